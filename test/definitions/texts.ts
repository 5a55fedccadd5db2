import type { DefinitionDocument } from '../../lib/definitions';

/* The JSON of the requirement texts, word for word (nexus-marketing.md and nexus-sales-marketing.md, "JSON Schema"). */

function json(text: string): DefinitionDocument {
  return JSON.parse(text) as DefinitionDocument;
}

/** nexus-marketing, phase 1: what `marketingConfig()` returns, as an object. */
export const PHASE_1 = {
  campaigns: {
    product_launch: {
      name: 'Product Launch Campaign',
      channels: ['email', 'social'],
      budget: 5000,
    },
  },
};

/** nexus-marketing, phase 2. */
export const PHASE_2 = json(`
{
  "id": "email-drip-sequence",
  "name": "Welcome Drip Campaign",
  "version": "1.0.0",
  "dataSchema": {
    "subscriber_email": { "type": "string", "required": true },
    "subscriber_name": { "type": "string", "required": true },
    "subscription_date": { "type": "date", "required": true }
  },
  "stages": ["queued", "active", "paused", "completed", "cancelled"],
  "channels": {
    "email": {
      "provider": "smtp",
      "template": "welcome-series"
    }
  },
  "transitions": {
    "activate": {
      "from": "queued",
      "to": "active",
      "condition": "data.subscription_date <= today()"
    },
    "complete": {
      "from": "active",
      "to": "completed",
      "condition": "data.emails_sent >= 5"
    }
  },
  "automation": {
    "sequence": [
      { "delay": "1 hour", "action": "send_email", "template": "welcome-1" },
      { "delay": "2 days", "action": "send_email", "template": "welcome-2" },
      { "delay": "5 days", "action": "send_email", "template": "welcome-3" }
    ]
  }
}
`);

/** nexus-marketing, phase 3. */
export const PHASE_3 = json(`
{
  "id": "enterprise-campaign",
  "name": "Multi-Channel Lead Nurturing",
  "version": "2.0.0",
  "roi": {
    "budget": 10000,
    "target_revenue": 50000,
    "threshold": "2x",
    "breach_action": "pause_and_alert"
  },
  "targeting": {
    "segment": {
      "conditions": [
        { "field": "lead_score", "operator": ">", "value": 50 },
        { "field": "industry", "operator": "in", "value": ["tech", "finance"] }
      ],
      "logic": "AND"
    }
  },
  "channels": {
    "email": { "enabled": true, "priority": 1 },
    "sms": { "enabled": true, "priority": 2 },
    "webhook": { "enabled": true, "url": "https://api.example.com/notify" }
  },
  "automation": {
    "escalation": [
      {
        "after": "24 hours",
        "condition": "data.engagement_rate < 0.1",
        "action": "reassign_to_manager"
      }
    ],
    "triggers": [
      {
        "event": "lead_score_increased",
        "condition": "data.lead_score >= 80",
        "action": "send_to_sales_team"
      }
    ]
  },
  "compliance": {
    "gdpr": true,
    "consent_required": true,
    "data_retention_days": 365
  }
}
`);

/** nexus-sales-marketing, level 1: what `sm()` returns, as an object. */
export const LEVEL_1 = {
  entities: {
    campaign: { fields: ['name', 'budget'] },
  },
};

/** nexus-sales-marketing, level 2. */
export const LEVEL_2 = json(`
{
  "id": "promo-funnel",
  "label": "Promotion Funnel",
  "version": "1.0.0",
  "dataSchema": {
    "target_segment": { "type": "number" }
  },
  "entities": {
    "campaign": {
      "stages": ["plan", "active", "closed"]
    }
  },
  "transitions": {
    "activate": {
      "from": "plan",
      "to": "active",
      "condition": "data.segment > 100"
    }
  }
}
`);

/** nexus-sales-marketing, level 3. */
export const LEVEL_3 = json(`
{
  "id": "enterprise-sm",
  "roi": {
    "threshold": "2x"
  },
  "entities": {
    "campaign": {
      "automation": {
        "escalation": [
          {"after": "24h", "action": "optimize"}
        ]
      }
    }
  }
}
`);
