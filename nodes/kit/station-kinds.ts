import { declaredTerms } from '../approval/terms';
import { recomputeOf } from '../delay/plan';
import { describeTrigger } from '../trigger/rules';
import type { DescribeStation } from './graph';
import { text } from './names';

/** What each kind of station declares about itself at deploy. */
export const describeStation: DescribeStation = (config) => {
  switch (config.type) {
    case 'marketing-approval':
      return declaredTerms(config);
    case 'marketing-delay':
      return recomputeOf(config);
    case 'marketing-send': {
      const policy = config['onUnknown'];
      const undo = text(config['undoUrl']);
      const template = config['contentFrom'] === 'template' ? text(config['template']) : '';
      const own = {
        ...(undo === '' ? {} : { undo: { url: undo } }),
        ...(template === '' ? {} : { send: { template } }),
      };
      return {
        ...(policy === 'hold' || policy === 'resend' ? { onUnknown: policy } : {}),
        ...(Object.keys(own).length === 0 ? {} : { config: own }),
      };
    }
    case 'marketing-compensate': {
      const { onFailure, onCancel } = config;
      return { config: { compensate: { onFailure: onFailure === true, onCancel: onCancel === true } } };
    }
    case 'marketing-trigger':
      return describeTrigger(config);
    default:
      return {};
  }
};
