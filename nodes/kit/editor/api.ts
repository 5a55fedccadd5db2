import { text } from './texts';

/** An admin endpoint refused; `code` is the runtime's stable `E_…` code when it gave one. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string | undefined,
    message: string,
  ) {
    super(message);
  }

  /** The chosen store does not run yet: what was asked can only be answered after a deploy. */
  get storeIsNotDeployed(): boolean {
    return this.code === 'E_UNKNOWN_STORE' || (this.status === 404 && this.code === undefined);
  }
}

/** GET of an admin endpoint, as JSON. Throws ApiError. */
export function get<T>(url: string): Promise<T> {
  return send<T>('GET', url);
}

/** POST of JSON to an admin endpoint. Throws ApiError. */
export function post<T>(url: string, body: object): Promise<T> {
  return send<T>('POST', url, body);
}

/** Relative address below the editor's own, with every part escaped. */
export function endpoint(...parts: string[]): string {
  return ['marketing', ...parts].map(encodeURIComponent).join('/');
}

/**
 * jQuery and not fetch(): the editor's ajaxSetup adds the access token and the path prefix to relative addresses.
 */
function send<T>(method: 'GET' | 'POST', url: string, body?: object): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    $.ajax({
      url,
      method,
      cache: method === 'POST',
      dataType: 'json',
      ...(body === undefined ? {} : { contentType: 'application/json; charset=utf-8', data: JSON.stringify(body) }),
      success: (data: T) => resolve(data),
      error: (xhr) => reject(toApiError(xhr)),
    });
  });
}

function toApiError(xhr: JQuery.jqXHR): ApiError {
  const answer: unknown = xhr.responseJSON;
  const field = (name: string): string | undefined => {
    const value: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const fallback = xhr.status === 0 ? text('api.unreachable') : text('api.failed', { status: xhr.status });
  return new ApiError(xhr.status, field('code'), field('message') ?? fallback);
}
