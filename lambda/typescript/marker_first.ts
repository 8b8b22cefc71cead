// Puts a marker for the record, then the effect (P-02).
//
// Not exactly-once but at most once: after a crash between the two, or when the reply to the marker is lost and the SDK
// finds its own marker (S-11), the effect is lost.

import { randomUUID } from 'node:crypto';

import { MARKERS, append, changes, putIfAbsent, type StreamEvent } from './effects';

export const handler = async (event: StreamEvent): Promise<void> => {
  for (const record of changes(event)) {
    if (await putIfAbsent(MARKERS, 'marker', { marker: { S: record.eventID } })) {
      await append(record, randomUUID());
    }
  }
};
