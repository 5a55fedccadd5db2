/** The GraphQL schema: the requirement's, word for word, and what it leaves open (scalars, inputs, analytics). */
export const SCHEMA = /* GraphQL */ `
  "A moment, as ISO 8601 in UTC."
  scalar DateTime
  "Any JSON value."
  scalar JSON

  type Campaign {
    id: ID!
    name: String!
    status: CampaignStatus!
    startedAt: DateTime
    completedAt: DateTime
    budget: Float
    spent: Float
    revenue: Float
    roi: Float
    leads: [Lead!]!
    engagements(type: EngagementType): [Engagement!]!
    analytics: CampaignAnalytics!
    key: String!
    definition: String!
    version: Int!
  }

  type Lead {
    id: ID!
    "Empty for a lead that is known by its external id only."
    email: String!
    name: String
    "Rounded."
    score: Int!
    segments: [Segment!]!
    engagements: [Engagement!]!
    metadata: JSON
  }

  type Segment {
    id: ID!
    name: String!
    "The condition of a dynamic segment, the composition of a composed one; null for a list that people keep is told as {}."
    conditions: JSON!
    leadCount: Int!
    leads(limit: Int, offset: Int): [Lead!]!
    key: String!
    kind: SegmentKind!
  }

  type Engagement {
    id: ID!
    "Null for types that the enumeration does not know; see name."
    type: EngagementType
    name: String!
    channel: String
    at: DateTime!
    value: Float
    metadata: JSON
  }

  type CampaignAnalytics {
    queued: Int!
    sent: Int!
    delivered: Int!
    bounced: Int!
    failed: Int!
    unknown: Int!
    opened: Int!
    clicked: Int!
    converted: Int!
    unsubscribed: Int!
    revenue: Float!
    cost: Float!
    deliveryRate: Float
    bounceRate: Float
    openRate: Float
    clickRate: Float
    conversionRate: Float
    unsubscribeRate: Float
    roi: Float
  }

  type DashboardAnalytics {
    "Campaigns by state."
    campaigns: JSON!
    activeCampaigns: Int!
    held: Int!
    sent: Int!
    delivered: Int!
    opened: Int!
    clicked: Int!
    converted: Int!
    deliveryRate: Float
    openRate: Float
    clickRate: Float
    conversionRate: Float
    "By currency."
    money: JSON!
    "The moment that it is of; null while the first figures are being counted."
    asOf: DateTime
  }

  type Query {
    campaigns(status: CampaignStatus, limit: Int, offset: Int): [Campaign!]!
    campaign(id: ID!): Campaign
    leads(segment: ID, score: Int, limit: Int, offset: Int): [Lead!]!
    lead(id: ID!): Lead
    segments: [Segment!]!
    analytics: DashboardAnalytics!
  }

  type Mutation {
    createCampaign(input: CreateCampaignInput!): Campaign!
    launchCampaign(id: ID!): Campaign!
    pauseCampaign(id: ID!): Campaign!
    createLead(input: CreateLeadInput!): Lead!
    updateLeadScore(id: ID!, score: Int!): Lead!
    createSegment(input: CreateSegmentInput!): Segment!
  }

  input CreateCampaignInput {
    name: String!
    key: String
    definition: String
    description: String
    objective: String
    segment: String
    channels: [String!]
    budget: Float
    currency: String
    content: JSON
    data: JSON
  }

  input CreateLeadInput {
    email: String
    externalId: String
    name: String
    phone: String
    country: String
    timeZone: String
    score: Float
    "Declared attributes."
    metadata: JSON
  }

  input CreateSegmentInput {
    name: String!
    key: String
    "An expression, or the JSON form; neither this nor a composition: a list that people are put on."
    conditions: JSON
    composition: JSON
  }

  enum CampaignStatus {
    DRAFT
    SCHEDULED
    QUEUED
    ACTIVE
    PAUSED
    COMPLETED
    CANCELLED
  }

  enum SegmentKind {
    DYNAMIC
    STATIC
    COMPOSED
  }

  enum EngagementType {
    EMAIL_SENT
    EMAIL_OPENED
    EMAIL_CLICKED
    SMS_SENT
    SMS_DELIVERED
    FORM_SUBMITTED
    PAGE_VISITED
  }
`;
