import type { Behaviour } from '../types';
import type { Fragment, Writer } from './writer';

/** `$did`: whether a lead's engagements hold what is asked for. Never NULL. */
export function behaviour(writer: Writer, { event, within, atLeast, campaign, channel }: Behaviour): Fragment {
  const e = writer.alias('g');
  const text = (value: string): string =>
    writer.family === 'postgres' ? `CAST(${writer.bind(value)} AS text)` : writer.bind(value);
  const whole = (value: number): string => {
    if (writer.family === 'sqlite') return writer.bind(value);
    return `CAST(${writer.bind(value)} AS ${writer.family === 'postgres' ? 'bigint' : 'SIGNED'})`;
  };
  const where = [`${e}.tenant_id = :tenant`, `${e}.lead_id = ${writer.column('id')}`, `${e}.type = ${text(event)}`];
  if (channel !== undefined) where.push(`${e}.channel = ${text(channel)}`);
  if (within !== undefined) where.push(`${e}.tracked_at >= ${whole(writer.placement.now - within)}`);
  if (campaign !== undefined) {
    const c = writer.alias('c');
    where.push(
      `${e}.campaign_id = (SELECT ${c}.id FROM marketing_campaigns ${c} WHERE ${c}.tenant_id = :tenant AND ${c}.campaign_key = ${text(campaign)})`,
    );
  }
  const from = `FROM marketing_engagements ${e} WHERE ${where.join(' AND ')}`;
  const sql = atLeast === 1 ? `EXISTS (SELECT 1 ${from})` : `(SELECT COUNT(*) ${from}) >= ${whole(atLeast)}`;
  return { sql, nullable: false };
}
