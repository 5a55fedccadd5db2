/** Governance: who decides, who acts for whom, who is told, what is allowed. The only file of this folder that others import. */
export * from './approvals';
export * from './compensation';
export * from './delegation';
export * from './escalation';
export * from './roi';
