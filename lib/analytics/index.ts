/** Analytics: dashboards over campaigns and their figures. The only file of this folder that others import. */
export { createDashboards, Dashboards, type DashboardDeps } from './dashboards';
export type {
  DashboardAlert,
  DashboardCampaign,
  DashboardMoney,
  DashboardPage,
  DashboardQuery,
  DashboardTotals,
  SalesDashboard,
  TenantDashboard,
  UserDashboard,
} from './types';
