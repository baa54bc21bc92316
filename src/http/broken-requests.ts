import { randomUUID } from 'node:crypto';
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError, ERRORS } from './errors.js';

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

/** Node keeps the answer it works on with the socket, under this name only. */
function answerUnderWay(socket: Socket): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message instanceof ServerResponse ? message : undefined;
}
