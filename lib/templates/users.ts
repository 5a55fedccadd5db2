import { parseJson, type Scope } from '../store';

interface Found {
  name: string;
  body: unknown;
}

/** What uses a template: campaigns that are not over, deployed definitions, and saved definition documents. */
export async function templateUsers(tx: Scope, key: string): Promise<string[]> {
  // A key needs no escaping in JSON. The text finds who might; what stands around it says who does.
  const like = `%"${key.replace(/[!%_]/g, '!$&')}"%`;
  const asText = (column: string): string => (tx.dialect.name === 'postgres' ? `${column}::text` : column);
  const find = async (kind: string, statement: string): Promise<string[]> =>
    (await tx.all<Found>(statement, { like }))
      .filter(({ body }) => uses(parseJson<unknown>(body, undefined), key))
      .map(({ name }) => `the ${kind} "${name}"`);
  return [
    ...(await find(
      'campaign',
      `SELECT campaign_key AS name, content AS body FROM marketing_campaigns
        WHERE tenant_id = :tenant AND state NOT IN ('completed', 'cancelled') AND deleted_at IS NULL
          AND ${asText('content')} LIKE :like ESCAPE '!' ORDER BY id`,
    )),
    ...(await find(
      'definition',
      `SELECT definition_key AS name, body FROM marketing_definitions
        WHERE tenant_id = :tenant AND deployed = 1 AND body LIKE :like ESCAPE '!' ORDER BY id`,
    )),
    ...(await find(
      'definition document',
      `SELECT definition_key AS name, body FROM marketing_documents
        WHERE tenant_id = :tenant AND active = 1 AND body LIKE :like ESCAPE '!' ORDER BY id`,
    )),
  ];
}

/** Whether a content, a node or a step of a sequence names the template, however deep. */
function uses(value: unknown, key: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { template, contentFrom = 'template' } = value as { template?: unknown; contentFrom?: unknown };
  // A send node keeps the key when it takes its words from elsewhere.
  if (template === key && contentFrom === 'template') return true;
  return Object.values(value).some((inner) => uses(inner, key));
}
