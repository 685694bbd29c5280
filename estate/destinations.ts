/** Bits of a destination's prefix, at least: whole networks of a bucket or a mirror fit, a continent does not. */
export const DESTINATION_BITS = { 4: 16, 6: 32 } as const;

/** All that may be open to any address: HTTPS, where those who answer change their addresses. */
export const ANYWHERE = { port: 443, protocol: "tcp" } as const;
