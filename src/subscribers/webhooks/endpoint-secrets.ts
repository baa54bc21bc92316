import { randomBytes } from 'node:crypto';
import { KEY_BYTES, type MasterKeys } from '../../privacy/master-keys.js';
import { shownSecret } from './signature.js';
import type { SealedSecret, WebhookEndpoint } from './webhook-endpoint.js';

/** For how long a secret that was replaced still signs beside its successor. */
export const ROTATION_MS = 24 * 60 * 60 * 1000;

export interface NewSecret {
  /** To be shown once. */
  readonly shown: string;
  readonly secrets: readonly SealedSecret[];
}

/** The signing secrets of endpoints, sealed for their endpoint: one copied to another does not open there. */
export class EndpointSecrets {
  constructor(private readonly masterKeys: MasterKeys) {}

  first(endpointId: string): NewSecret {
    return this.next(endpointId, [], 0);
  }

  /** The present one signs on for a day beside the new one; one that was on its way out is out. */
  rotated({ id, secrets }: Pick<WebhookEndpoint, 'id' | 'secrets'>, now: number): NewSecret {
    return this.next(id, secrets, now);
  }

  /** Those that sign now, the newest first. @throws MasterKeyUnknown @throws WrappedKeyBroken */
  open({ id, secrets }: Pick<WebhookEndpoint, 'id' | 'secrets'>, now: number): readonly Uint8Array[] {
    const valid = secrets.filter(({ expiresAt = Infinity }) => expiresAt > now);
    return valid.map((secret) => this.masterKeys.unwrap(purposeOf(id), secret));
  }

  private next(endpointId: string, [present]: readonly SealedSecret[], now: number): NewSecret {
    const secret = randomBytes(KEY_BYTES);
    const sealed = this.masterKeys.wrap(purposeOf(endpointId), secret);
    const leaving = present === undefined ? [] : [{ ...present, expiresAt: now + ROTATION_MS }];
    return { shown: shownSecret(secret), secrets: [sealed, ...leaving] };
  }
}

const purposeOf = (endpointId: string): { readonly secret: string } => ({ secret: `webhook ${endpointId}` });
