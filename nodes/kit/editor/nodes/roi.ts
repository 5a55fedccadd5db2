export { prepareCommon as prepare, finish } from './common';
