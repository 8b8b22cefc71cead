// What the handlers of this folder share: which records carry a change, and the two tables that they write.

import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';

export type Row = Record<string, AttributeValue>;

export interface StreamRecord {
  eventID: string;
  dynamodb: { SequenceNumber: string; NewImage?: Row };
}

export interface StreamEvent {
  Records: StreamRecord[];
}

export const EFFECTS = process.env.EFFECTS_TABLE;
export const MARKERS = process.env.MARKERS_TABLE;

export const dynamodb = new DynamoDBClient({});

// The records that carry an intent. A removal has no new image, so there is nothing to apply.
export function changes(event: StreamEvent): StreamRecord[] {
  return event.Records.filter((record) => record.dynamodb.NewImage !== undefined);
}

export function intentOf(record: StreamRecord): string {
  return record.dynamodb.NewImage!.intent.S!;
}

// One row of the effects table. It holds no wall-clock time: the same record always gives the same row.
export function row(record: StreamRecord, effect: string): Row {
  const image = record.dynamodb.NewImage!;
  return {
    effect: { S: effect },
    intent: image.intent,
    item: image.id,
    event_id: { S: record.eventID },
    sequence_number: { S: record.dynamodb.SequenceNumber },
  };
}

// Writes the row whatever is there already.
export async function append(record: StreamRecord, effect: string): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName: EFFECTS, Item: row(record, effect) }));
}

// Whether the item was put now. False: one with this key was there already, perhaps our own (S-11).
export async function putIfAbsent(table: string | undefined, key: string, item: Row): Promise<boolean> {
  try {
    await dynamodb.send(
      new PutItemCommand({
        TableName: table,
        Item: item,
        ConditionExpression: 'attribute_not_exists(#key)',
        ExpressionAttributeNames: { '#key': key },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return false;
  }
  return true;
}
