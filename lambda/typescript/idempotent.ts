// Names the effect after its intent, and puts it only if it is not there yet (P-06, P-09), a record after the other.
//
// Exactly-once at any crash, redelivery, lost reply or repeated write, as long as nobody deletes the row: a failed
// condition means that the effect is there, whoever put it, so it is read as done.

import { EFFECTS, changes, intentOf, putIfAbsent, row, type StreamEvent } from './effects';

export const handler = async (event: StreamEvent): Promise<void> => {
  for (const record of changes(event)) {
    await putIfAbsent(EFFECTS, 'effect', row(record, intentOf(record)));
  }
};
