'use strict';
// Which call of AWS an HTTP request is, in botocore's names. The names of services are those of botocore's service ids,
// in lower case and without hyphens, as the wire has them in Python.

const AWS_HOST = /(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/;
const CHUNKED = 'aws-chunked'; // how S3's client cuts the body of a request
const OF_CHUNKS = new Set([
  'content-encoding',
  'transfer-encoding',
  'x-amz-trailer',
  'x-amz-content-sha256',
  'x-amz-decoded-content-length',
]);
const OF_CONNECTIONS = new Set(['connection', 'host', 'transfer-encoding', 'expect', 'keep-alive']);
// By the name in a signature, or in a host, where botocore's differs.
const SERVICES = {
  events: 'eventbridge',
  states: 'sfn',
  monitoring: 'cloudwatch',
  logs: 'cloudwatchlogs',
  email: 'ses',
  ddb: 'dynamodb',
  queue: 'sqs',
  'cognito-idp': 'cognitoidentityprovider',
  'cognito-identity': 'cognitoidentity',
  'execute-api': 'apigatewaymanagementapi',
};
const S3_TABLE = [
  // method, whether it names an object, a part of the query or a header that tells, operation
  ['PUT', true, 'partNumber', 'UploadPart'],
  ['PUT', true, 'tagging', 'PutObjectTagging'],
  ['PUT', true, 'x-amz-copy-source', 'CopyObject'],
  ['PUT', true, '', 'PutObject'],
  ['PUT', false, '', 'CreateBucket'],
  ['GET', true, 'tagging', 'GetObjectTagging'],
  ['GET', true, 'uploadId', 'ListParts'],
  ['GET', true, '', 'GetObject'],
  ['GET', false, 'list-type', 'ListObjectsV2'],
  ['GET', false, '', 'ListObjects'],
  ['HEAD', true, '', 'HeadObject'],
  ['HEAD', false, '', 'HeadBucket'],
  ['DELETE', true, 'uploadId', 'AbortMultipartUpload'],
  ['DELETE', true, '', 'DeleteObject'],
  ['DELETE', false, '', 'DeleteBucket'],
  ['POST', true, 'uploads', 'CreateMultipartUpload'],
  ['POST', true, 'uploadId', 'CompleteMultipartUpload'],
  ['POST', false, 'delete', 'DeleteObjects'],
];
const INVOKE = /^\/2015-03-31\/functions\/[^/]+\/invocations$/;

function isAws(host) {
  return AWS_HOST.test(host);
}

// request: {method, url, headers, body}, its headers as [name, value], its body a Buffer. Returns {service, operation,
// headers, body} as an ask has them; service `http` is an endpoint.
function described(request) {
  const url = new URL(request.url);
  const headers = new Map(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const chunked = (headers.get('content-encoding') ?? '').includes(CHUNKED);
  const body = chunked ? withoutChunks(request.body) : request.body;
  const service = isAws(url.hostname) ? serviceOf(url, headers) : 'http';
  const kept = request.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return !OF_CONNECTIONS.has(lower) && !(chunked && OF_CHUNKS.has(lower));
  });
  return {
    service,
    operation: service === 'http' ? request.method : operationOf(service, request.method, url, headers, body),
    headers: Object.fromEntries(service === 'http' ? kept : kept.map(([name, value]) => [spelled(name), value])),
    body,
  };
}

function serviceOf(url, headers) {
  const target = headers.get('x-amz-target') ?? '';
  if (target.startsWith('DynamoDBStreams')) return 'dynamodbstreams';
  const signed = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.get('authorization') ?? '');
  const labels = url.hostname.replace(AWS_HOST, '').split('.');
  const name = signed ? signed[1] : labels.includes('s3') ? 's3' : labels[0];
  return (SERVICES[name] ?? name).replaceAll('-', '').toLowerCase();
}

function operationOf(service, method, url, headers, body) {
  const target = headers.get('x-amz-target');
  if (target) return target.split('.').pop();
  if (headers.has('smithy-protocol')) return url.pathname.split('/').pop();
  if (service === 's3') return s3Operation(method, url, headers);
  if (service === 'lambda' && method === 'POST' && INVOKE.test(url.pathname)) return 'Invoke';
  if ((headers.get('content-type') ?? '').startsWith('application/x-www-form-urlencoded')) {
    return new URLSearchParams(body.toString()).get('Action') ?? `${method} ${url.pathname}`;
  }
  return url.searchParams.get('Action') ?? `${method} ${url.pathname}`;
}

function s3Operation(method, url, headers) {
  if (url.searchParams.has('x-id')) return url.searchParams.get('x-id');
  const path = url.pathname.split('/').filter(Boolean);
  const inHost = !url.hostname.startsWith('s3.') && !url.hostname.startsWith('s3-');
  const namesObject = path.length > (inHost ? 0 : 1);
  if (method === 'GET' && !inHost && path.length === 0) return 'ListBuckets';
  const found = S3_TABLE.find(
    ([verb, ofObject, sign]) =>
      verb === method &&
      ofObject === namesObject &&
      (!sign || url.searchParams.has(sign) || headers.has(sign)),
  );
  return found ? found[3] : `${method} ${url.pathname}`;
}

// As botocore spells a header: X-Amz-Target, but amz-sdk-request.
function spelled(name) {
  if (name.startsWith('amz-sdk-')) return name;
  return name.replace(/(^|-)([a-z])/g, (all, dash, letter) => dash + letter.toUpperCase());
}

// Decodes repeated `SIZE in hexadecimal [; extension] CRLF DATA CRLF`. Size 0 ends the body; trailers follow.
function withoutChunks(content) {
  const pieces = [];
  for (let place = 0; ; ) {
    const end = content.indexOf('\r\n', place);
    const size = end < 0 ? 0 : parseInt(content.toString('latin1', place, end), 16);
    if (!(size > 0)) return Buffer.concat(pieces);
    pieces.push(content.subarray(end + 2, end + 2 + size));
    place = end + 2 + size + 2;
  }
}

module.exports = { described, isAws, withoutChunks };
