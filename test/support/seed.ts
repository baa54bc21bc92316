/**
 * The seed for everything random in the tests of a run. Chosen anew for each run and printed at its end; `FC_SEED` in
 * the environment sets it, to replay a run that failed.
 */
export const seed = (): number => {
  const value = Number(process.env.FC_SEED);
  if (!Number.isInteger(value)) throw new Error(`FC_SEED must be an integer, not '${process.env.FC_SEED ?? ''}'`);
  return value;
};
