/** Ids stand in clear in stream names and stay: they are pseudonyms, so an id must never be able to hold an address. */
const PREFIX = 'customer-';

export const CUSTOMER_PREFIX = PREFIX;

export const customerStream = (id: string): string => PREFIX + id;

export const customerIdOf = (stream: string): string => stream.slice(PREFIX.length);

const POSSIBLE_ID = /^[A-Za-z0-9._-]{1,40}$/;

/** Whether a customer could have this id. */
export const isCustomerId = (id: string): boolean => POSSIBLE_ID.test(id) && id !== '.' && id !== '..';
