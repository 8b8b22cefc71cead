// Looks for the record's marker, makes the effect, then puts the marker (P-03).
//
// Not exactly-once but at least once: after a crash between effect and marker, or when two deliveries of a record both
// find no marker, the effect is there twice.

import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';

import { MARKERS, append, changes, dynamodb, type StreamEvent } from './effects';

export const handler = async (event: StreamEvent): Promise<void> => {
  for (const record of changes(event)) {
    const marker = { marker: { S: record.eventID } };
    const found = await dynamodb.send(new GetItemCommand({ TableName: MARKERS, Key: marker, ConsistentRead: true }));
    if (found.Item) continue;
    await append(record, randomUUID());
    await dynamodb.send(new PutItemCommand({ TableName: MARKERS, Item: marker }));
  }
};
