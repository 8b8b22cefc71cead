// Marker and effect in one transaction: both or neither (P-04, the transactional inbox).
//
// Exactly-once at any crash, redelivery, lost reply or repeated write, for effects in DynamoDB of one account and
// Region, as long as the marker outlives the last possible redelivery. A conflict or a throttle also cancels a
// transaction, but says nothing of a duplicate: it is thrown, and the batch comes again (S-22).

import { TransactWriteItemsCommand, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';

import { EFFECTS, MARKERS, changes, dynamodb, intentOf, row, type StreamEvent, type StreamRecord } from './effects';

export const handler = async (event: StreamEvent): Promise<void> => {
  for (const record of changes(event)) await apply(record);
};

async function apply(record: StreamRecord): Promise<void> {
  const marker = {
    TableName: MARKERS,
    Item: { marker: { S: intentOf(record) } },
    ConditionExpression: 'attribute_not_exists(marker)',
  };
  const effect = { TableName: EFFECTS, Item: row(record, randomUUID()) };
  try {
    await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: marker }, { Put: effect }] }));
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    if (error.CancellationReasons?.[0]?.Code !== 'ConditionalCheckFailed') throw error;
  }
}
