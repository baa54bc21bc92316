import { createHmac } from 'node:crypto';

export interface SignedMessage {
  /** The same for every attempt: the receiver knows a repeat by it. */
  readonly id: string;
  /** Of the attempt, milliseconds since the epoch. */
  readonly at: number;
  readonly body: string;
}

/**
 * The headers of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): HMAC-SHA-256 over `id.timestamp.body`, with
 * each of the secrets, so that a receiver may know either while one takes the place of the other.
 */
export function signedHeaders({ id, at, body }: SignedMessage, secrets: readonly Uint8Array[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => {
    const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
    return `v1,${mac}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** How a secret is shown: with the prefix that the standard gives it, so that scanners find one that was leaked. */
export const shownSecret = (secret: Uint8Array): string => `whsec_${Buffer.from(secret).toString('base64')}`;
