/** A mailbox on loopback for the demo and the example: an SMTP server that delivers nothing, and what its page needs. */
export { startMailSink, type MailSink, type MailSinkOptions } from './sink';
export { parseMail, parseHeaders, headerValue, type HeaderField, type ParsedMail } from './mime';
export type { MailFigures, ReceivedMail } from './words';
