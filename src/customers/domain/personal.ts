export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface Address {
  readonly country: string;
  readonly line1?: string;
  readonly line2?: string;
  readonly city?: string;
  readonly postalCode?: string;
  readonly state?: string;
}

export interface Shipping {
  readonly name?: string;
  readonly phone?: string;
  readonly email?: string;
  readonly organization?: string;
  readonly address?: Address;
  readonly additionalAddressInfo?: {
    readonly neighborhood?: string;
    readonly division?: string;
    readonly phoneticName?: string;
  };
}

export interface TaxCertificate {
  readonly companyName: string;
  readonly taxAuthority: string;
  readonly startDate: string;
  readonly endDate: string;
  readonly fileId: string;
}

export type Metadata = { readonly [key: string]: JsonValue };
