___TERMS_OF_SERVICE___

By creating or modifying this file you agree to Google Tag Manager's Community
Template Gallery Developer Terms of Service available at
https://developers.google.com/tag-manager/gallery-tos (or such other URL as
Google may provide), as modified from time to time.


___INFO___

{
  "type": "TAG",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "Habitue",
  "categories": [
    "ANALYTICS",
    "PERSONALIZATION"
  ],
  "brand": {
    "id": "brand_dummy",
    "displayName": "Habitue"
  },
  "description": "Loads the Habitue tag from your own server. It reads the dataLayer by itself: one tag on all pages is all it needs.",
  "containerContexts": [
    "WEB"
  ]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "server",
    "displayName": "Server",
    "simpleValueType": true,
    "valueHint": "https://h.shop.example/h",
    "help": "Where your Habitue server answers: a name below the shop's own domain, with the path /h, or whatever its base_path is.",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "https://[^/]+(/.*)?"
        ],
        "errorMessage": "An address that begins with https://"
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "key",
    "displayName": "Browser key",
    "simpleValueType": true,
    "help": "habitue keys create --kind browser --origin https://www.shop.example",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^(?!hs_).*"
        ],
        "errorMessage": "This is a server key. It is secret and never stands in a page."
      }
    ]
  },
  {
    "type": "RADIO",
    "name": "consent",
    "displayName": "Who says consent?",
    "radioItems": [
      {
        "value": "page",
        "displayValue": "The page",
        "help": "Consent Mode in the dataLayer, TCF, Shopify, or habitue('consent', …)."
      },
      {
        "value": "container",
        "displayValue": "This container (Consent Mode)",
        "help": "Only with a consent tool that sets defaults in this container: what is never set counts as granted."
      },
      {
        "value": "assumed",
        "displayValue": "The shop, before it loads this tag",
        "help": "Fire this tag only after consent."
      }
    ],
    "simpleValueType": true,
    "defaultValue": "page"
  },
  {
    "type": "TEXT",
    "name": "file",
    "displayName": "Name of the script",
    "simpleValueType": true,
    "defaultValue": "s.js",
    "help": "Another name where you serve it under one."
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

const addConsentListener = require('addConsentListener');
const callInWindow = require('callInWindow');
const copyFromWindow = require('copyFromWindow');
const createQueue = require('createQueue');
const encodeUriComponent = require('encodeUriComponent');
const injectScript = require('injectScript');
const isConsentGranted = require('isConsentGranted');
const setInWindow = require('setInWindow');

const ANALYTICS = ['analytics_storage'];
const PERSONALIZATION = ['personalization_storage', 'ad_personalization'];

// Calls wait in a queue until the tag is there.
if (!copyFromWindow('habitue')) {
  setInWindow('habitue', function() {
    callInWindow('habitue.q.push', arguments);
  });
}
if (!copyFromWindow('habitue.q')) createQueue('habitue.q');

const granted = (types) => types.every((type) => isConsentGranted(type));
const tell = () => {
  callInWindow('habitue.q.push', [
    'consent',
    {analytics: granted(ANALYTICS), personalization: granted(PERSONALIZATION)}
  ]);
};

if (data.consent === 'container') {
  tell();
  ANALYTICS.concat(PERSONALIZATION).forEach((type) => addConsentListener(type, tell));
}

let server = data.server;
while (server.charAt(server.length - 1) === '/') server = server.substring(0, server.length - 1);
let url = server + '/' + (data.file || 's.js') + '?key=' + encodeUriComponent(data.key);
if (data.consent === 'assumed') url += '&consent=assumed';

injectScript(url, data.gtmOnSuccess, data.gtmOnFailure, url);


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "access_globals",
        "versionId": "1"
      },
      "param": [
        {
          "key": "keys",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "habitue"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "habitue.q"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "habitue.q.push"
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": false
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "inject_script",
        "versionId": "1"
      },
      "param": [
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "https://*/*"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "access_consent",
        "versionId": "1"
      },
      "param": [
        {
          "key": "consentTypes",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "analytics_storage"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "personalization_storage"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_personalization"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios:
- name: It loads the tag with its key
  code: |-
    runCode({server: 'https://h.shop.example/h/', key: 'a b', consent: 'page', file: 's.js'});
    assertThat(loaded).isEqualTo('https://h.shop.example/h/s.js?key=a%20b');
    assertThat(told.length).isEqualTo(0);
    assertApi('gtmOnSuccess').wasCalled();
- name: Consent that the shop has asked for before
  code: |-
    runCode({server: 'https://h.shop.example/h', key: 'k', consent: 'assumed', file: 's.js'});
    assertThat(loaded).isEqualTo('https://h.shop.example/h/s.js?key=k&consent=assumed');
- name: Consent as the container knows it
  code: |-
    mock('isConsentGranted', (type) => type === 'analytics_storage');
    runCode({server: 'https://h.shop.example/h', key: 'k', consent: 'container', file: 's.js'});
    assertThat(told[0][0]).isEqualTo('consent');
    assertThat(told[0][1].analytics).isEqualTo(true);
    assertThat(told[0][1].personalization).isEqualTo(false);
setup: |-
  let loaded;
  const told = [];
  mock('copyFromWindow', () => undefined);
  mock('callInWindow', (name, call) => told.push(call));
  mock('injectScript', (url, success) => {
    loaded = url;
    success();
  });


___NOTES___

The tag itself is served by your own Habitue server. Documentation: docs/install/gtm.md.
