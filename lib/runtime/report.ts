import type { CampaignReport } from '../campaigns';
import { table } from './screen';

/** A campaign's report for people. */
export function describeReport(report: CampaignReport): string[] {
  const { campaign, audience, waiting, dead, unknown, orphaned, ended, messages, stations } = report;
  const people: [string, number][] = [
    ['audience', audience],
    ['under way', waiting],
    ['in the dead-letter list', dead],
    ['message in doubt', unknown],
    ['orphaned', orphaned],
    ...Object.entries(ended).map(([reason, count]): [string, number] => [`ended: ${reason}`, count]),
  ];
  return [
    `${campaign.name} (${campaign.key}) is ${campaign.state}${campaign.holdReason === undefined ? '' : `, held: ${campaign.holdReason}`}.`,
    '',
    ...table(
      ['people', ''],
      people.filter(([what, count]) => count > 0 || what === 'audience'),
    ),
    '',
    ...table(['messages', ''], Object.entries(messages)),
    '',
    ...table(
      ['station', 'kind', 'here', 'so far'],
      inOrder(stations).map(({ step, kind, waiting: here, counters }) => [
        step,
        kind,
        here,
        describeCounters(counters),
      ]),
    ),
  ];
}

function describeCounters(counters: Readonly<Record<string, number>>): string {
  return Object.entries(counters)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`)
    .join(', ');
}

/** The trigger first, then those that more people have come to. */
function inOrder(stations: CampaignReport['stations']): CampaignReport['stations'] {
  const rank = ({ kind, counters }: CampaignReport['stations'][number]): number =>
    kind === 'trigger' ? Infinity : (counters['entered'] ?? 0);
  return stations.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a)));
}
