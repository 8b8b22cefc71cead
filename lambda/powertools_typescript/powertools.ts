// Wraps the effect of each record in the idempotency of Powertools for AWS Lambda, keyed by the intent (P-08, P-09).
//
//     lock: put the marker, in progress, if there is none that counts ─► the effect ─► mark as done, with the answer
//
// Exactly-once for deliveries, one after another or at once, while the marker counts and nothing ends the execution
// between effect and mark. Not exactly-once when it crashes or times out there: the marker is in progress until the
// execution would have timed out, every delivery until then throws, and the first one after it makes the effect again.

import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { DynamoDBClient, PutItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';

interface StreamRecord {
  eventID: string;
  dynamodb: { SequenceNumber: string; NewImage?: Record<string, AttributeValue> };
}

const dynamodb = new DynamoDBClient({});
const persistenceStore = new DynamoDBPersistenceLayer({
  tableName: process.env.MARKERS_TABLE!,
  keyAttr: 'marker',
  awsSdkV3Client: dynamodb,
});
const config = new IdempotencyConfig({
  eventKeyJmesPath: 'dynamodb.NewImage.intent.S',
  throwOnNoIdempotencyKey: true,
  expiresAfterSeconds: Number(process.env.EXPIRES_AFTER_SECONDS ?? 3600),
});

export const handler = async (event: { Records: StreamRecord[] }, context: never): Promise<void> => {
  // Without the context a lock has no end of its own, and blocks as long as a marker lives.
  config.registerLambdaContext(context);
  for (const record of event.Records) {
    if (record.dynamodb.NewImage) await apply(record);
  }
};

const apply = makeIdempotent(
  async (record: StreamRecord): Promise<void> => {
    const image = record.dynamodb.NewImage!;
    const row = {
      effect: { S: randomUUID() },
      intent: image.intent,
      item: image.id,
      event_id: { S: record.eventID },
      sequence_number: { S: record.dynamodb.SequenceNumber },
    };
    await dynamodb.send(new PutItemCommand({ TableName: process.env.EFFECTS_TABLE, Item: row }));
  },
  { persistenceStore, config },
);
