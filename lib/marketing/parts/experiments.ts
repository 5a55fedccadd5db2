import type { AudienceReader, Campaign } from '../../campaigns';
import { exposedKey, Experiments, forgetExposures, noteEngagements, variantsOf } from '../../experiments';
import type { LeadReaction } from '../../leads';
import type { SendDeps, ShownVariant } from '../../sending';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';

/** What experiments are made of. */
export interface ExperimentHouse {
  readonly scope: Scope;
  readonly timers: Timers;
  readonly campaigns: { get(idOrKey: number | string): Promise<Campaign> };
  readonly audiences: Pick<AudienceReader, 'estimate'>;
}

/** One tenant's experiments. */
export function experimentsOf({ scope, timers, campaigns, audiences }: ExperimentHouse): Experiments {
  return new Experiments(scope, {
    timers,
    campaign: (key) => campaigns.get(key),
    async audience(id) {
      const campaign = await campaigns.get(id);
      // Who enters by an event comes one by one: nobody knows how many will.
      const audience = campaign.hadAudience ? (await audiences.estimate(campaign)).audience : undefined;
      return { run: campaign.run, audience };
    },
  });
}

/** What follows for experiments from what leads do. */
export const experimentReaction: LeadReaction = {
  onlyWhere: { exists: 'SELECT 1 FROM marketing_experiments WHERE tenant_id = :tenant' },
  engaged: noteEngagements,
  removed: forgetExposures,
  variants: variantsOf,
};

/** Which variants people's messages are of. */
export function variantSource(scope: Scope, experiments: Experiments): NonNullable<SendDeps['variants']> {
  return async (steps, { dividing }) => {
    const people = steps.map(({ campaign, lead }) => ({ campaign, lead }));
    const given = dividing ? await experiments.divide(people) : [];
    const open = people.filter((_one, at) => given[at] === undefined);
    const shown = await variantsOf(scope, open);
    const found = new Map<number, ShownVariant>();
    for (const [at, { id, campaign, lead }] of steps.entries()) {
      const one = given[at];
      const variant = one?.variant ?? shown.get(exposedKey({ campaign, lead }));
      if (variant === undefined) continue;
      found.set(id, {
        variant,
        ...(one?.control === true ? { control: true } : {}),
        ...(one?.content === undefined ? {} : { content: one.content }),
      });
    }
    return found;
  };
}
