/**
 * Keeps outgoing requests off the inside network (SSRF): a marketer types URLs, so they must not reach what only
 * this machine can reach. Names are resolved and every address checked *at connect time*, and the connection goes
 * to the checked address; checking the URL's text alone would fall to a name that resolves to 127.0.0.1, or
 * resolves differently the second time (OWASP SSRF Prevention Cheat Sheet; IANA special-purpose registries).
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { InputError } from '../../errors';

/** What may be reached besides the public internet. */
export interface GuardOptions {
  /** Lets private and loopback addresses through: for tests, and for those who host the receiver themselves. */
  readonly allowPrivate?: boolean;
  /** Ports besides 80 and 443. */
  readonly allowPorts?: readonly number[];
  /** Resolver; default: the system's. */
  readonly resolve?: (hostname: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;
}

/** A URL or address that is not allowed. Says nothing about what is there. */
export class ForbiddenTarget extends InputError {
  constructor(message: string) {
    super('E_WEBHOOK_TARGET', message);
    this.name = 'ForbiddenTarget';
  }
}

const special = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier NAT; also a cloud's metadata service
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, metadata services
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['168.63.129.16', 32], // Azure's host
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast, reserved, broadcast
] as const) {
  special.addSubnet(net, prefix, 'ipv4');
}

// Everything outside 2000::/3 is special: loopback, mapped (::ffff:), NAT64 (64:ff9b::), unique-local, link-local,
// multicast. Within it, these are.
const specialV6 = new BlockList();
for (const [net, prefix] of [
  ['2001::', 23], // IETF protocols: Teredo, benchmarking, ORCHID
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: an IPv4 address inside
  ['2620:4f:8000::', 48],
  ['3fff::', 20], // documentation
] as const) {
  specialV6.addSubnet(net, prefix, 'ipv6');
}
const globalV6 = new BlockList();
globalV6.addSubnet('2000::', 3, 'ipv6');

/** True for an address on the public internet. Anything that is not an IP address is not. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return globalV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6');
    default:
      return false;
  }
}

/**
 * Checks what can be told from the URL alone: scheme, port, credentials, literal addresses in any spelling (the
 * URL parser turns 127.1, 2130706433 and 0x7f000001 into 127.0.0.1). Names are checked by {@link guardedLookup}.
 * @throws ForbiddenTarget E_WEBHOOK_TARGET
 */
export function checkUrl(text: string, options: GuardOptions): URL {
  if (!URL.canParse(text)) throw new ForbiddenTarget('The webhook URL is not a complete URL; write https://….');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ForbiddenTarget('The webhook URL must begin with https:// or http://.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new ForbiddenTarget('Put the webhook’s login into a header, not into its URL.');
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (port !== 80 && port !== 443 && !options.allowPorts?.includes(port)) {
    throw new ForbiddenTarget(`The webhook URL may use ports 80 and 443, not ${port}.`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && options.allowPrivate !== true && !isPublicAddress(host)) throw notPublic();
  return url;
}

/**
 * A `lookup` for `http.request` that resolves a name, refuses it if *any* of its addresses is not public, and
 * answers with the checked addresses, so that the connection cannot go anywhere else.
 */
export function guardedLookup(options: GuardOptions): LookupFunction {
  const resolve =
    options.resolve ?? ((hostname, done) => systemLookup(hostname, { all: true, order: 'verbatim' }, done));
  return (hostname, { all, family }, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error) return callback(error, []);
      if (addresses.length === 0) return callback(new Error(`No address for ${hostname}`), []);
      if (options.allowPrivate !== true && !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(notPublic(), []);
      }
      const wanted = family === 4 || family === 6 ? addresses.filter((one) => one.family === family) : addresses;
      if (all === true) return callback(null, wanted);
      const first = wanted[0];
      if (!first) return callback(new Error(`No address of family ${String(family)} for ${hostname}`), []);
      callback(null, first.address, first.family);
    });
  };
}

function notPublic(): ForbiddenTarget {
  return new ForbiddenTarget('The webhook URL does not lead to the public internet, and private ones are not allowed.');
}
