import type { StorySource } from '../campaigns';

/** Which variants somebody was shown during an enrollment, for the story of it: also where no split node has put it on the trail. */
export const exposureStory: StorySource = async (scope, { campaign, lead, from, until }) => {
  const rows = await scope.all<{ name: string; variant: string; bucket: number; exposed_at: number }>(
    `SELECT x.name, e.variant_key AS variant, e.bucket, e.exposed_at FROM marketing_exposures e
     JOIN marketing_experiments x ON x.id = e.experiment_id AND x.tenant_id = :tenant
     WHERE e.tenant_id = :tenant AND e.lead_id = :lead AND e.campaign_id = :campaign
       AND e.exposed_at >= :from AND e.exposed_at <= :until ORDER BY e.id`,
    { campaign, lead, from, until },
  );
  return rows.map(({ name, variant, bucket, exposed_at }) => ({
    at: exposed_at,
    step: '',
    kind: 'experiment',
    state: variant,
    text: `variant ${variant} of "${name}", for good`,
    saw: { bucket },
  }));
};
