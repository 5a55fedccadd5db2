import type { MailboxSource, MailSummary } from '../../http';
import { parseMail } from './mime';
import type { MailSink } from './sink';
import type { ReceivedMail } from './words';

/** What the mailbox page shows of a sink. */
export function mailboxSource(sink: MailSink): MailboxSource {
  return {
    list: () => ({ arrived: sink.figures().arrived, mails: sink.list().map(summary) }),
    view: (id) => {
      const mail = sink.get(id);
      return mail && { ...summary(mail), ...parseMail(mail.raw) };
    },
    raw: (id) => sink.get(id)?.raw,
  };
}

function summary({ id, receivedAt, from, to, subject }: ReceivedMail): MailSummary {
  return { id, receivedAt, from, to, subject };
}
