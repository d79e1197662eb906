import { Type } from 'typebox';

export const Uuid = Type.String({ pattern: '^[0-9a-fA-F-]{36}$', format: 'uuid' });

/** Lower case, since nobody has two addresses that differ in that alone. */
export const Email = Type.String({ maxLength: 254, pattern: '^[^\\s@]+@[^\\s@]+$' });

/** Long enough to be hashed slowly and guessed never; not so long that hashing it is work. */
export const NewPassword = Type.String({ minLength: 12, maxLength: 200 });

export const Limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 });
