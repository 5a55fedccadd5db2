import type { Why } from '../../campaigns';
import { UsageError, type Answer, type CommandContext } from '../command';
import { describeReport } from '../report';
import { number, table } from '../screen';

const time = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 19);

/** `campaign report` */
export async function report(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  const found = await marketing.campaigns.report(context.word(1, 'KEY'));
  return { data: found, lines: describeReport(found) };
}

/** `campaign completion` */
export async function completion(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  const found = await marketing.sendRules.completion(context.word(1, 'KEY'));
  const { waiting, perHour, limitedBy, finishesAt, because } = found;
  const pace = `${number(waiting)} wait for a message; reckoned with ${number(perHour)} an hour (${limitedBy}).`;
  return {
    data: { ...found, ...(finishesAt === undefined ? {} : { finishesAt: new Date(finishesAt).toISOString() }) },
    lines: [
      pace,
      finishesAt === undefined ? `No end: ${because ?? ''}.` : `The last one leaves at ${time(finishesAt)} UTC.`,
    ],
  };
}

/** `campaign why` */
export async function why(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const given = context.word(2, 'LEAD');
  const marketing = await context.marketing();
  const stories = await marketing.campaigns.stories(key, /^\d+$/.test(given) ? Number(given) : given);
  return { data: stories, lines: stories.flatMap(storyLines) };
}

/** `campaign enrollment` */
export async function enrollment(context: CommandContext): Promise<Answer> {
  const id = Number(context.word(1, 'ENROLLMENT'));
  if (!Number.isSafeInteger(id)) throw new UsageError('ENROLLMENT is a number; "campaign why KEY LEAD" shows it.');
  const marketing = await context.marketing();
  const story = await marketing.campaigns.whyEnrollment(id);
  return { data: story, lines: storyLines(story) };
}

function storyLines({ enrollment: id, lead, cause, lines }: Why): string[] {
  return [
    `Enrollment ${id}: lead ${lead}, entered by ${cause}`,
    ...lines.map(({ at, version, text }) => `${time(at)}  ${version === undefined ? '' : `v${version}  `}${text}`),
  ];
}

/** `campaign unknown` */
export async function unknown(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const marketing = await context.marketing();
  const found = await marketing.campaigns.unknown(key);
  const rows = found.map((row) => [
    String(row.step),
    String(row.lead),
    row.station,
    row.address ?? '',
    row.messageKey,
    time(Number(row.since)),
  ]);
  return {
    data: found,
    lines:
      rows.length === 0
        ? ['No message is in doubt.']
        : [
            ...table(['step', 'lead', 'station', 'address', 'message', 'since (UTC)'], rows),
            '',
            `Look them up at the provider, then: nexus-marketing campaign reconcile ${key} --as sent, or --as resend (they may arrive twice).`,
          ],
  };
}

/** `campaign reconcile` */
export async function reconcile(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const as = context.text('as');
  if (as !== 'sent' && as !== 'resend') throw new UsageError('--as is sent or resend.');
  const marketing = await context.marketing();
  const people = await marketing.campaigns.reconcile(key, as, { ...steps(context), actor: context.actor });
  const what = as === 'sent' ? 'taken as sent' : 'sent again';
  return {
    data: { campaign: key, as, people },
    lines: [`${number(people)} ${people === 1 ? 'message is' : 'messages are'} ${what}.`],
  };
}

/** `campaign dead` */
export async function dead(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const marketing = await context.marketing();
  if (context.flag('causes')) {
    const causes = await marketing.campaigns.deadCauses(key);
    const lines = causes.map((row) => [number(row.people), row.station, time(row.at), row.reason]);
    return { data: causes, lines: table(['people', 'station', 'latest (UTC)', 'cause'], lines) };
  }
  const found = await marketing.campaigns.deadLetters(key);
  const rows = found.map((row) => [String(row.step), String(row.lead), row.station, time(Number(row.at)), row.reason]);
  return {
    data: found,
    lines:
      rows.length === 0
        ? ['The dead-letter list is empty.']
        : table(['step', 'lead', 'station', 'at (UTC)', 'cause'], rows),
  };
}

/** `campaign retry` */
export async function retry(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const marketing = await context.marketing();
  const reason = context.text('cause');
  const people = await marketing.campaigns.retry(key, {
    ...steps(context),
    ...(reason === undefined ? {} : { reason }),
    actor: context.actor,
  });
  return {
    data: { campaign: key, people },
    lines: [`${number(people)} ${people === 1 ? 'person is' : 'people are'} back in the queue.`],
  };
}

/** `campaign orphans` */
export async function orphans(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  const found = await marketing.campaigns.orphans();
  return {
    data: found,
    lines:
      found.length === 0
        ? ['Nobody is orphaned.']
        : [
            ...table(
              ['definition', 'step', 'people'],
              found.map(({ definition, step, people }) => [definition, step, people]),
            ),
            '',
            'Put the step back into the flow, or: nexus-marketing campaign move --definition D --from STEP --to STEP',
          ],
  };
}

/** `campaign move` */
export async function move(context: CommandContext): Promise<Answer> {
  const [definition, from, to] = ['definition', 'from', 'to'].map((option) => {
    const value = context.text(option);
    if (value === undefined)
      throw new UsageError(`--${option} is missing. "nexus-marketing campaign orphans" lists definitions and steps.`);
    return value;
  }) as [string, string, string];
  const marketing = await context.marketing();
  const people = await marketing.campaigns.move({ definition, from, to });
  return {
    data: { definition, from, to, people },
    lines: [`${number(people)} ${people === 1 ? 'person' : 'people'} moved from "${from}" to "${to}".`],
  };
}

function steps(context: CommandContext): { steps?: number[] } {
  const given = context.values['step'];
  if (!Array.isArray(given)) return {};
  return {
    steps: given.map((id) => {
      if (!/^\d+$/.test(String(id))) throw new UsageError('--step is the number of a step, as the lists show it.');
      return Number(id);
    }),
  };
}
