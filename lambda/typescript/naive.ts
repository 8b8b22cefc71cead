// Appends a row under a fresh name for every record that it is handed, all records of a batch at once.
//
// Never exactly-once, only as often as it is called: whenever a record is delivered again, its effect is there twice.

import { randomUUID } from 'node:crypto';

import { append, changes, type StreamEvent } from './effects';

export const handler = async (event: StreamEvent): Promise<void> => {
  await Promise.all(changes(event).map((record) => append(record, randomUUID())));
};
