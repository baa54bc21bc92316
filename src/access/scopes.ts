export const SCOPES = [
  'customers:read',
  'customers:write',
  'customers:erase',
  'events:read',
  'events:read.pii',
  'webhooks:read',
  'webhooks:write',
  'audit:read',
  'audit:read.pii',
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

export const isScope = (value: string): value is Scope => (SCOPES as readonly string[]).includes(value);
