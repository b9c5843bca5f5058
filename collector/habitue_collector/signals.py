"""What the words in addresses and user agents mean: tables, nothing else."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


def _words(block: str) -> list[str]:
    return block.split()


# Query parameters → members of `campaign`. Both Google's and Matomo's spellings.
CAMPAIGN_PARAMETERS: Final = MappingProxyType(
    {
        "utm_source": "source",
        "utm_medium": "medium",
        "utm_campaign": "name",
        "utm_term": "term",
        "utm_content": "content",
        "utm_id": "id",
        "mtm_source": "source",
        "mtm_medium": "medium",
        "mtm_campaign": "name",
        "mtm_kwd": "term",
        "mtm_keyword": "term",
        "mtm_content": "content",
        "pk_source": "source",
        "pk_medium": "medium",
        "pk_campaign": "name",
        "pk_kwd": "term",
    }
)
TRACKING_PREFIXES: Final = ("utm_", "mtm_", "pk_")

# The click ids that networks append → (source, medium) where the address names none.
CLICK_IDS: Final = MappingProxyType(
    {
        "gclid": ("google", "cpc"),
        "gbraid": ("google", "cpc"),
        "wbraid": ("google", "cpc"),
        "dclid": ("google", "display"),
        "gad_source": ("google", "cpc"),
        "msclkid": ("bing", "cpc"),
        "ttclid": ("tiktok", "paid_social"),
        "twclid": ("twitter", "paid_social"),
        "li_fat_id": ("linkedin", "paid_social"),
        "epik": ("pinterest", "paid_social"),
        "ScCid": ("snapchat", "paid_social"),
        "rdt_cid": ("reddit", "paid_social"),
        "yclid": ("yandex", "cpc"),
        "irclickid": ("impact", "affiliate"),
        "awc": ("awin", "affiliate"),
        "mc_cid": ("mailchimp", "email"),
        "_kx": ("klaviyo", "email"),
        "fbclid": ("facebook", "social"),  # also on unpaid posts
        "igshid": ("instagram", "social"),
    }
)

AD_MEDIUMS: Final = frozenset(
    _words(
        """
        ad ads cpc ppc cpm cpv cpa paid paidsearch paid-search paid_search paid_social
        paid-social paidsocial display banner retargeting remarketing shopping affiliate
        affiliates
        """
    )
)
EMAIL_MEDIUMS: Final = frozenset(
    _words(
        """
        email e-mail e_mail mail newsletter
        """
    )
)
SOCIAL_MEDIUMS: Final = frozenset(
    _words(
        """
        social social-media social_media social-network sm organic_social
        """
    )
)

# Hosts, matched with everything below them; the longest match counts.
HOSTS: Final = MappingProxyType(
    {
        **dict.fromkeys(
            _words(
                """
        duckduckgo.com bing.com ecosia.org qwant.com startpage.com search.brave.com
        seznam.cz naver.com ask.com search.aol.com metager.org mojeek.com kagi.com
        swisscows.com sogou.com so.com com.google.android.googlequicksearchbox yahoo.co.jp
        """
            ),
            "search",
        ),
        **dict.fromkeys(
            _words(
                """
        facebook.com fb.com fb.me m.me instagram.com twitter.com t.co x.com linkedin.com
        lnkd.in pinterest.com pin.it reddit.com redd.it out.reddit.com youtube.com youtu.be
        tiktok.com snapchat.com vk.com ok.ru threads.net threads.com bsky.app go.bsky.app
        mastodon.social whatsapp.com wa.me t.me telegram.org web.telegram.org discord.com
        xing.com tumblr.com quora.com weibo.com line.me com.facebook.katana
        com.reddit.frontpage com.twitter.android com.linkedin.android
        """
            ),
            "social",
        ),
        **dict.fromkeys(
            _words(
                """
        chatgpt.com chat.openai.com perplexity.ai claude.ai gemini.google.com
        bard.google.com copilot.microsoft.com copilot.com you.com chat.deepseek.com grok.com
        chat.mistral.ai poe.com meta.ai phind.com notebooklm.google.com
        """
            ),
            "ai",
        ),
        **dict.fromkeys(
            _words(
                """
        mail.google.com mail.yahoo.com outlook.live.com outlook.office.com
        outlook.office365.com mail.proton.me mail.yandex.ru e.mail.ru navigator.gmx.net
        navigator.web.de mailchi.mp com.google.android.gm com.microsoft.office.outlook
        poczta.onet.pl poczta.wp.pl
        """
            ),
            "email",
        ),
        **dict.fromkeys(
            _words(
                """
        doubleclick.net googlesyndication.com googleadservices.com taboola.com outbrain.com
        criteo.com criteo.net adform.net adnxs.com awin1.com zanox.com tradedoubler.com
        bingads.com
        """
            ),
            "ad",
        ),
    }
)
# Names that stand under many countries' domains: google.de, google.co.uk.
HOSTS_OF_ANY_COUNTRY: Final = MappingProxyType(
    {"google": "search", "yandex": "search", "yahoo": "search", "baidu": "search", "pinterest": "social"}
)
SECOND_LEVELS: Final = frozenset(("co", "com", "org", "net"))
MAIL_LABELS: Final = frozenset(("mail", "webmail", "email", "outlook", "roundcube"))

# Query parameters whose values are somebody's, or open somebody's door. Compared with "-" as "_".
PERSONAL_PARAMETERS: Final = frozenset(
    _words(
        """
        email e_mail mail emailaddress email_address user_email customer_email phone tel
        telephone mobile phone_number firstname first_name fname lastname last_name lname
        surname fullname full_name user username user_name login street address address1
        address2 zip zipcode postcode postal_code birthday birthdate dob iban bic card
        cardnumber card_number cc cvc cvv ssn passport password passwd pwd pass token
        access_token refresh_token id_token auth auth_token authorization apikey api_key
        secret client_secret signature sig otp jwt ticket code state session session_id
        sessionid sid jsessionid phpsessid reset_token reset_key nonce hash user_hash
        """
    )
)

# Senders that speak for a visitor whose own user agent is in the event, or unknown: no bots.
TRACKER_CLIENTS: Final = (
    "habitue-",
    "analytics-",  # Segment's and RudderStack's analytics-python, -node, -ruby, …
    "@segment/",
    "@rudderstack/",
    "segment-",
    "rudder",
    "jitsu",
    "hightouch",
    "snowplow",
    "matomo",
)
# In lower case, anywhere in the user agent. Crawlers that name themselves are ua-parser's business.
AUTOMATION_WORDS: Final = (
    "headless",
    "phantomjs",
    "puppeteer",
    "playwright",
    "selenium",
    "webdriver",
    "cypress",
    "slimerjs",
    "electron-screenshot",
    "lighthouse",
    "pagespeed",
    "gtmetrix",
    "pingdom",
    "uptime",
    "monitor",
    "crawler",
    "spider",
    "bot/",
    "+http",
    "preview",
    "scrapy",
    "wget",
    "httrack",
    "gptbot",
    "ccbot",
    "claudebot",
)
TABLET_WORDS: Final = ("ipad", "tablet", "kindle", "playbook")
LIBRARY_WORDS: Final = (
    "python-requests",
    "python-urllib",
    "python-httpx",
    "aiohttp",
    "curl/",
    "go-http-client",
    "okhttp",
    "java/",
    "apache-httpclient",
    "node-fetch",
    "axios",
    "undici",
    "libwww-perl",
    "guzzle",
    "php/",
    "ruby",
    "faraday",
    "reactor-netty",
    "restsharp",
    "dart/",
    "postman",
    "insomnia",
)
