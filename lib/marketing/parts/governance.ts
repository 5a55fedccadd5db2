import type { Campaign } from '../../campaigns';
import { delegationPath } from '../../governance';
import type { Scope } from '../../store';

/** Who looks after campaigns for a user now (BR-009). */
export async function standIn(tx: Scope, user: string, { key, team }: Campaign): Promise<string> {
  const matter = { kind: 'campaigns', campaign: key, ...(team === undefined ? {} : { team }) } as const;
  return (await delegationPath(tx, user, matter)).at(-1) ?? user;
}
