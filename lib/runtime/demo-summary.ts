import type { CampaignReport } from '../campaigns';
import type { MailFigures } from './mailbox';

/** What the demo's machine-readable line says. */
export interface DemoFigures {
  readonly audience: number;
  readonly matched: number;
  readonly suppressed: number;
  readonly sent: number;
  readonly failed: number;
  readonly unknown: number;
  /** Counted at the mail server. */
  readonly arrived: number;
  /** Counted at the mail server. */
  readonly duplicates: number;
  readonly seconds: number;
}

/** True while somebody is under way or not even written into the ledger yet. */
export function isUnderWay(report: CampaignReport): boolean {
  return report.campaign.state === 'active';
}

/** People that ended with a reason, by what it begins with. */
function endedWith(report: CampaignReport, ...beginnings: readonly string[]): number {
  return Object.entries(report.ended)
    .filter(([reason]) => beginnings.some((beginning) => reason.startsWith(beginning)))
    .reduce((sum, [, people]) => sum + people, 0);
}

/** People that the consent check or the send node refused, by reason. */
export function blocked(report: CampaignReport): Record<string, number> {
  const reasons = Object.entries(report.ended).filter(([reason]) => /^(?:blocked|suppressed)\b/.test(reason));
  return Object.fromEntries(
    reasons.map(([reason, people]) => [reason.replace(/^(?:blocked|suppressed): /, ''), people]),
  );
}

/** Puts the ledger's figures beside the mail server's. */
export function demoFigures(report: CampaignReport, mail: MailFigures, seconds: number): DemoFigures {
  return {
    audience: report.audience,
    matched: report.audience - endedWith(report, 'not in segment'),
    suppressed: endedWith(report, 'blocked', 'suppressed'),
    sent: report.messages['sent'] ?? 0,
    failed: report.dead + endedWith(report, 'failed'),
    unknown: report.unknown,
    arrived: mail.arrived,
    duplicates: mail.duplicates,
    seconds: Math.round(seconds * 10) / 10,
  };
}

/** What does not add up; empty when the ledger and the mail server agree. */
export function contradictions(figures: DemoFigures, underWay: number): string[] {
  const { audience, matched, suppressed, sent, failed, unknown, arrived, duplicates } = figures;
  const found: string[] = [];
  if (arrived !== sent) found.push(`The ledger says that ${sent} mails were sent, and ${arrived} arrived.`);
  if (duplicates > 0) found.push(`${duplicates} mails arrived twice.`);
  const accounted = audience - matched + suppressed + sent + failed + unknown + underWay;
  if (accounted !== audience) found.push(`${audience} people entered, and ${accounted} are accounted for.`);
  if (sent === 0) found.push('Nobody was sent anything.');
  return found;
}
