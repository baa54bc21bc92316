import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { ApiError, ERRORS } from './errors.js';

/**
 * Answers what never became a request: bad framing, a head that is too large, a request that did not come to its end in
 * time. Written to the bare socket, since there is no response object yet.
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || answerBegun(socket)) {
    socket.destroy();
    return;
  }
  const answer = answerTo(error.code);
  const body = JSON.stringify(answer.body);
  const head = [
    `HTTP/1.1 ${String(answer.status)} ${answer.status === 408 ? 'Request Timeout' : 'Bad Request'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
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

/** An answer under way must not be cut into. Node keeps it on the socket, under this name only. */
function answerBegun(socket: Socket): boolean {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return typeof message === 'object' && message !== null && 'headersSent' in message && message.headersSent === true;
}
