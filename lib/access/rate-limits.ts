import { isIPv6 } from 'node:net';
import { InputError } from '../errors';
import type { Scope } from '../store';
import { memoryBackend, redisBackend, type HitCounter, type RateBackend } from './rate-backends';
import { tableBackend } from './rate-table';

/** So many requests in so many seconds. */
export interface RateRule {
  readonly limit: number;
  readonly perSeconds: number;
}

/** Who is limited, in the order in which they are asked. `false`: not limited. */
export interface RateRules {
  /** Each network address, before anybody knows who it is. */
  readonly address: RateRule | false;
  readonly token: RateRule | false;
  /** All tokens of a tenant together. */
  readonly tenant: RateRule | false;
}

/** Whether a request may be served, and what a client is to be told. Of several limits, the tightest speaks. */
export interface RateVerdict {
  readonly allowed: boolean;
  /** Which limit this is about; absent when nothing is limited. */
  readonly of?: keyof RateRules;
  readonly limit: number;
  /** Requests that are left in the window. */
  readonly remaining: number;
  /** Seconds until the window ends. */
  readonly resetSeconds: number;
  /** Seconds after which it is worth trying again; 0 when allowed. */
  readonly retryAfterSeconds: number;
}

/** How to limit. */
export interface RateLimitOptions {
  /** What differs from the defaults: 600 a minute per address and per token, 6,000 per tenant. */
  readonly rules?: Partial<RateRules>;
  /** Where is counted: in this process (default), in Redis, or in the database of the given store door (`store.system`). */
  readonly backend?: 'memory' | { readonly redisUrl: string } | { readonly system: Scope };
  /** Told when Redis or the database does not answer; the limits go on in memory. */
  readonly onTrouble?: (error: unknown) => void;
}

const DEFAULTS: RateRules = {
  address: { limit: 600, perSeconds: 60 },
  token: { limit: 600, perSeconds: 60 },
  tenant: { limit: 6_000, perSeconds: 60 },
};
const NAMES = ['address', 'token', 'tenant'] as const;
const UNLIMITED: RateVerdict = {
  allowed: true,
  limit: Infinity,
  remaining: Infinity,
  resetSeconds: 0,
  retryAfterSeconds: 0,
};

/** Counts requests and says which are too many. Make it with {@link createRateLimits}. */
export class RateLimits {
  private readonly counters = new Map<keyof RateRules, HitCounter>();

  constructor(
    private readonly rules: RateRules,
    private readonly backend: RateBackend,
  ) {
    for (const name of NAMES) {
      const rule = rules[name];
      if (rule) this.counters.set(name, backend.counter(name, rule.perSeconds));
    }
  }

  /**
   * Counts one request against what is known of its sender: the address before authentication, token and tenant after it.
   * Once a limit says no, the later ones are not charged.
   */
  async check(sender: { address?: string; token?: number; tenant?: string }): Promise<RateVerdict> {
    const keys = {
      address: sender.address === undefined ? undefined : addressKey(sender.address),
      token: sender.token === undefined ? undefined : String(sender.token),
      tenant: sender.tenant,
    };
    let tightest = UNLIMITED;
    for (const name of NAMES) {
      const rule = this.rules[name];
      const key = keys[name];
      if (!rule || key === undefined) continue;
      const verdict = await this.hit(name, rule, key);
      if (!verdict.allowed) return verdict;
      if (verdict.remaining < tightest.remaining) tightest = verdict;
    }
    return tightest;
  }

  async close(): Promise<void> {
    await this.backend.close();
  }

  private async hit(name: keyof RateRules, { limit, perSeconds }: RateRule, key: string): Promise<RateVerdict> {
    const hits = await this.counters.get(name)?.hit(key);
    if (!hits) return UNLIMITED;
    const resetSeconds = Math.min(perSeconds, Math.max(1, Math.ceil(hits.resetMs / 1000)));
    const allowed = hits.count <= limit;
    return {
      ...{ allowed, of: name, limit, remaining: Math.max(0, limit - hits.count), resetSeconds },
      retryAfterSeconds: allowed ? 0 : resetSeconds,
    };
  }
}

/**
 * Limits requests per address, token and tenant (SR-008).
 * @throws InputError `E_RATE_LIMITS`, `E_RATE_LIMITS_URL`; MarketingError `E_RATE_LIMITS_PACKAGE`
 */
export function createRateLimits({
  rules,
  backend = 'memory',
  onTrouble = () => undefined,
}: RateLimitOptions = {}): RateLimits {
  const all = { ...DEFAULTS, ...rules };
  for (const name of NAMES) {
    const rule = all[name];
    if (!rule || (isCount(rule.limit) && isCount(rule.perSeconds))) continue;
    const advice = 'give "limit" and "perSeconds" as whole numbers of at least 1, or false for no limit';
    throw new InputError('E_RATE_LIMITS', `The rate limit per ${name} cannot be used: ${advice}.`);
  }
  if (backend === 'memory') return new RateLimits(all, memoryBackend());
  const troubled = once(onTrouble);
  return new RateLimits(
    all,
    'redisUrl' in backend ? redisBackend(backend.redisUrl, troubled) : tableBackend(backend.system, troubled),
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Tells the same trouble once, not for every request. */
function once(tell: (error: unknown) => void): (error: unknown) => void {
  let told = '';
  return (error) => {
    const text = String(error);
    if (text === told) return;
    told = text;
    tell(error);
  };
}

/** Whoever has one IPv6 address has the 2^64 of its network as well: they count as one. */
function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return address.slice(0, 64);
  const [head = '', tail] = bare.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: gap }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
