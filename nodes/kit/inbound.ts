import type { InboundEndpoint } from '../../lib/http';
import { InputError } from '../../lib/errors';
import type { NodeKit } from './node';

/** An endpoint of a trigger that runs, and the path of its store. */
interface Put extends InboundEndpoint {
  readonly httpPath: string;
  readonly node: string;
}

const endpoints = new Map<string, Put>();

/**
 * Puts up a trigger's inbound endpoint, until the node closes.
 * @throws InputError `E_WEBHOOK_KEY` for a key that another trigger has
 */
export function putUpEndpoint(kit: NodeKit, httpPath: string, key: string, endpoint: InboundEndpoint): void {
  const name = `${httpPath} ${key}`;
  const other = endpoints.get(name);
  if (other && other.node !== kit.id) {
    throw new InputError(
      'E_WEBHOOK_KEY',
      'Another trigger has the same inbound address. Open one of the two and have a new address made.',
    );
  }
  const put: Put = { ...endpoint, httpPath, node: kit.id };
  endpoints.set(name, put);
  kit.onClose(() => {
    if (endpoints.get(name) === put) endpoints.delete(name);
  });
}

/** The endpoint below a store's path. */
export function endpointAt(httpPath: string, key: string): InboundEndpoint | undefined {
  return endpoints.get(`${httpPath} ${key}`);
}
