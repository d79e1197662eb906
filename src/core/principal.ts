/** Who is asking: the verified claims of a token. */
export interface Principal {
  /** The JWT's `sub`: the owner of what is uploaded. */
  readonly userId: string;
  /** The customer whose users see only each other; `default` when the token names none. */
  readonly tenantId: string;
  readonly role: 'user' | 'admin';
}

/** One text for an owner, another for every other: ids hold no NUL. */
export function ownerName({ tenantId, userId }: Pick<Principal, 'tenantId' | 'userId'>): string {
  return `${tenantId}\0${userId}`;
}

/** Where a request came from, for the access log. */
export interface RequestOrigin {
  readonly requestId: string;
  /** Address of the client; a proxy's word counts only when TRUST_PROXY names the proxy. */
  readonly ipAddress: string;
  /** The User-Agent header, cut to 512 characters; null when absent. */
  readonly userAgent: string | null;
}
