import { randomUUID } from 'node:crypto';
import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { COMMON_HEADERS } from './answer-headers.js';
import { ApiError, ERRORS, fault } from './errors.js';

/**
 * Answers what never became a request: bad framing, a head that is too large, a request that did not come to its end in
 * time. Written to the bare socket, since there is no response object yet.
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  const pending = answerUnderWay(socket);
  if (error.code === 'ECONNRESET' || !socket.writable || pending?.headersSent === true) {
    socket.destroy();
    return;
  }
  if (pending?.req.complete === true) {
    // What is broken came behind whole requests: they may take effect, so their answers come first.
    pending.once('finish', () => setImmediate(answerBrokenRequest, error, socket));
    return;
  }
  end(socket, answerTo(error.code));
}

/** CONNECT asks for a tunnel, not for a resource: Node would close the connection without a word. */
export function answerConnect(_request: IncomingMessage, socket: Duplex): void {
  const answer = fault('method_not_allowed', 'This is no proxy: CONNECT is not allowed');
  end(socket, new ApiError([answer], { Allow: 'DELETE, GET, HEAD, PATCH, POST, PUT' }));
}

function end(socket: Duplex, answer: ApiError): void {
  const body = JSON.stringify(answer.body);
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': randomUUID(),
    ...COMMON_HEADERS,
    ...answer.headers,
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${String(answer.status)} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

function answerTo(code: string | undefined): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return ApiError.of('request_timeout', ERRORS.request_timeout.example.message);
  }
  const tooLarge = code === 'HPE_HEADER_OVERFLOW';
  return ApiError.of(
    'invalid_format',
    tooLarge ? 'The address and the headers are too large' : 'Not a valid HTTP request',
  );
}

/** Node keeps the answer it works on with the socket, under this name only. */
function answerUnderWay(socket: Socket): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message instanceof ServerResponse ? message : undefined;
}
