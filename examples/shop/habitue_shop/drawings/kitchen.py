# ruff: noqa: E501 - a drawing is one long line of SVG; broken up it would not be read better
"""What comes out of an oven, a dairy or a kitchen: bread, cake, cheese, pizza, sweets."""

from __future__ import annotations

KITCHEN: dict[str, str] = {
    "loaf": (
        '<path fill="#b9773a" d="M38 104q-8-44 36-48h62q40 6 28 48l-2 52a8 8 0 0 1-8 8H48a8 8 0 0 1-8-8z"/><path fill="#d79a57" d="M46 102q-4-34 28-38h60q30 6 22 38l-2 48H48z"/><path d="m72 76 14 20m16-22 14 20m14-18 12 18" stroke="#f1c993" stroke-width="7" stroke-linecap="round"/>'
    ),
    "baguette": (
        '<g transform="rotate(-38 100 104)"><rect x="14" y="82" width="172" height="46" rx="23" fill="#b9773a"/><rect x="18" y="84" width="164" height="36" rx="18" fill="#d79a57"/><path d="m52 88 16 26m14-28 16 28m14-28 16 28m12-26 12 20" stroke="#f3d2a0" stroke-width="7" stroke-linecap="round"/></g>'
    ),
    "roll": (
        '<path fill="#8a5426" d="M36 128h128q0 34-24 34H60q-24 0-24-34z"/><path fill="#f3d9ae" d="M34 118h132v12H34z"/><path fill="#cf8f49" d="M34 118q4-66 66-68 62 2 66 68z"/><g fill="#f8e7c6"><ellipse cx="76" cy="82" rx="5" ry="3"/><ellipse cx="100" cy="70" rx="5" ry="3"/><ellipse cx="124" cy="82" rx="5" ry="3"/><ellipse cx="92" cy="98" rx="5" ry="3"/><ellipse cx="116" cy="100" rx="5" ry="3"/></g>'
    ),
    "cake": (
        '<path fill="{w}" d="M40 96q60-30 120 0v60q-60 24-120 0z"/><path fill="{a}" d="M40 120q60 26 120 0v16q-60 26-120 0z"/><ellipse cx="100" cy="94" rx="60" ry="22" fill="{l}"/><path fill="{l}" d="M40 94v18q0 10 9 10t9-8q2 18 12 18t10-14q4 20 14 20t12-18q6 14 14 10t8-16q6 10 12 6t8-14q12 0 12-12z"/><circle cx="100" cy="78" r="12" fill="#c2314a"/><path d="M100 68q2-18 14-22" stroke="#5f7d3c" stroke-width="3" fill="none"/>'
    ),
    "pie": (
        '<path fill="{a}" d="M38 120h124l-14 40a8 8 0 0 1-8 6H60a8 8 0 0 1-8-6z"/><path fill="#d79a57" d="M28 118q4-50 72-52 68 2 72 52 0 8-8 8H36q-8 0-8-8z"/><path d="M62 108q10-26 38-26m0 26q10-20 34-18M80 112q-2-14 6-24m42 22q6-12 2-22" stroke="#a8652a" stroke-width="5" stroke-linecap="round" fill="none"/><path d="M28 118q12-12 24 0t24 0 24 0 24 0 24 0 24 0" fill="none" stroke="#b9773a" stroke-width="9" stroke-linecap="round"/>'
    ),
    "cookie": (
        '<circle cx="100" cy="106" r="60" fill="#cf9550"/><circle cx="100" cy="106" r="60" fill="none" stroke="#b27a38" stroke-width="7"/><g fill="#5a3420"><circle cx="78" cy="86" r="9"/><circle cx="116" cy="80" r="8"/><circle cx="132" cy="112" r="9"/><circle cx="98" cy="118" r="8"/><circle cx="72" cy="126" r="8"/><circle cx="112" cy="146" r="8"/></g>'
    ),
    "donut": (
        '<circle cx="100" cy="106" r="62" fill="#cf8f49"/><path fill="{a}" d="M100 50q56 2 56 54 4 16-10 20-4 16-20 14-12 14-26 8-14 8-28-6-16 2-20-16-12-6-8-20 2-52 56-54z"/><circle cx="100" cy="102" r="21" fill="{t}"/><g stroke-width="5" stroke-linecap="round"><path d="m70 80 8 6m28-18 4 8m22 12-8 4m-68 24 8-2" stroke="{w}"/><path d="m88 68 4-7m38 46 8 4m-54 24 6 6m34-10 4 8" stroke="{k}"/></g>'
    ),
    "muffin": (
        '<path fill="{a}" d="M58 112h84l-12 56a7 7 0 0 1-7 5H77a7 7 0 0 1-7-5z"/><path d="m76 114 6 58m18-58v58m24-58-6 58" stroke="{d}" stroke-width="4"/><path fill="#b9773a" d="M46 112q-10-26 18-34 10-30 38-28 32 0 38 30 24 8 14 32z"/><g fill="#4b3a7c"><circle cx="80" cy="88" r="7"/><circle cx="106" cy="74" r="7"/><circle cx="126" cy="94" r="7"/></g>'
    ),
    "waffle": (
        '<circle cx="100" cy="106" r="62" fill="#d79a57"/><path d="M60 62v88m27-104v120m27-120v120m27-104v88M56 66h88M40 93h120M40 120h120M56 146h88" stroke="#a8652a" stroke-width="6"/><rect x="84" y="82" width="32" height="28" rx="5" fill="#f7e08f"/><path d="M100 110q-2 26 12 34" stroke="#b5651d" stroke-width="8" fill="none" stroke-linecap="round"/>'
    ),
    "cheese": (
        '<path fill="#f2bf45" d="M32 112 150 54q22 22 20 58z"/><path fill="#e0a52c" d="M32 112h138v44a6 6 0 0 1-6 6H38a6 6 0 0 1-6-6z"/><g fill="#c98b1b"><circle cx="66" cy="136" r="11"/><circle cx="112" cy="146" r="8"/><circle cx="142" cy="130" r="10"/></g><ellipse cx="130" cy="88" rx="13" ry="8" fill="#d9a02c"/>'
    ),
    "butter": (
        '<path fill="#f7dd7d" d="M44 92 60 76h104l-16 16z"/><path fill="#f2d062" d="M44 92h104v54H44z"/><path fill="#dfb846" d="m148 92 16-16v52l-16 18z"/><path fill="{a}" d="M88 92h60l16-16h-60zm0 0h60v54H88z" opacity=".92"/><path fill="{d}" d="m148 92 16-16v52l-16 18z"/><g transform="translate(118 119)"><circle r="18" fill="{w}"/>{m}</g><path fill="{i}" opacity=".12" d="M28 150h144v10H28z"/>'
    ),
    "pizza": (
        '<path fill="#cf8f49" d="M28 74q72-44 144 0l-8 14q-64-36-128 0z"/><path fill="#f5cf6c" d="M38 88q62-34 124 0l-62 92z"/><g fill="#c8453b"><circle cx="84" cy="94" r="12"/><circle cx="122" cy="98" r="12"/><circle cx="102" cy="130" r="11"/></g><g fill="#5f8f4e"><circle cx="102" cy="84" r="4"/><circle cx="108" cy="112" r="4"/><circle cx="88" cy="118" r="4"/></g>'
    ),
    "sushi": (
        '<g transform="translate(-26 8)"><ellipse cx="84" cy="124" rx="36" ry="32" fill="#24352f"/><ellipse cx="84" cy="120" rx="29" ry="25" fill="#fdfaf2"/><circle cx="84" cy="120" r="12" fill="#e98a6d"/></g><g><rect x="98" y="104" width="70" height="42" rx="19" fill="#fdfaf2"/><path fill="#ee8b62" d="M94 108q6-34 42-34 34 4 40 34-40 14-82 0z"/><path d="m112 84 8 24m12-30 8 32m10-26 8 22" stroke="#fbd9cb" stroke-width="5" stroke-linecap="round"/></g><path d="m40 56 126-16m-124 28 126-16" stroke="#8a5426" stroke-width="5" stroke-linecap="round"/>'
    ),
    "sandwich": (
        '<path fill="#d79a57" d="M30 92 100 46l70 46-10 12H40z"/><path fill="#f3dcb3" d="M40 92 100 56l60 36z"/><path fill="#7bb566" d="M32 104q12-10 22 0t22 0 22 0 22 0 22 0 22 0v8H32z"/><path fill="#e79a97" d="M36 112h128v12H36z"/><path fill="#f2bf45" d="M40 124h122l-24 16z"/><path fill="#c58443" d="M34 132h132v18a8 8 0 0 1-8 8H42a8 8 0 0 1-8-8z"/>'
    ),
    "bowl": (
        '<path fill="#7bb566" d="M40 100q-6-30 24-30 6-24 36-20 26-8 38 18 28 0 22 32z"/><circle cx="74" cy="88" r="15" fill="#d64836"/><circle cx="122" cy="82" r="14" fill="#f0c63e"/><circle cx="98" cy="72" r="12" fill="#5c70b3"/><path fill="{a}" d="M30 98h140q-4 66-70 68-66-2-70-68z"/><path fill="{d}" d="M30 98h140l-1 12H31z"/>'
    ),
    "candy": (
        '<g transform="rotate(-22 100 104)"><path fill="{l}" d="m66 104-42-30v60zm68 0 42-30v60z"/><ellipse cx="100" cy="104" rx="44" ry="36" fill="{a}"/><path d="M72 78q22 20 8 56m32-66q20 30 2 70" fill="none" stroke="{w}" stroke-width="9" opacity=".85"/></g><circle cx="52" cy="156" r="13" fill="{k}"/><circle cx="150" cy="52" r="11" fill="{k}"/>'
    ),
    "chocolate": (
        '<g transform="rotate(-14 100 104)"><rect x="56" y="34" width="88" height="142" rx="6" fill="#5a3420"/><path d="M56 66h88M56 98h88M100 34v70" stroke="#3f2214" stroke-width="5"/><path fill="#d7dadc" d="m56 92 14 8 15-8 15 8 15-8 15 8 14-8v14H56z"/><path fill="{a}" d="M54 104h92v66a8 8 0 0 1-8 8H62a8 8 0 0 1-8-8z"/><path fill="{k}" d="M54 150h92v10H54z"/><g transform="translate(100 128)"><circle r="18" fill="{w}"/>{m}</g></g>'
    ),
    "popcorn": (
        '<g fill="#fff3cf"><circle cx="66" cy="78" r="19"/><circle cx="98" cy="62" r="22"/><circle cx="132" cy="78" r="19"/><circle cx="82" cy="90" r="18"/><circle cx="116" cy="92" r="18"/></g><g fill="#f0cf7a"><circle cx="92" cy="60" r="5"/><circle cx="70" cy="80" r="5"/><circle cx="124" cy="80" r="5"/></g><path fill="{w}" d="M50 92h100l-14 80H64z"/><path fill="{a}" d="M50 92h20l8 80H64zm40 0h20l-2 80H92zm40 0h20l-14 80h-14z"/>'
    ),
    "cup": (
        '<path fill="{w}" d="M60 66h80l-10 104a7 7 0 0 1-7 6H77a7 7 0 0 1-7-6z"/><path fill="{a}" d="M64 96h72l-4 48H68z"/><path fill="{d}" d="M56 52h88a5 5 0 0 1 5 5v11H51V57a5 5 0 0 1 5-5z"/><g transform="translate(100 120)"><circle r="17" fill="{w}"/>{m}</g><path d="M86 40q-6-8 0-16m14 16q-6-8 0-16m14 16q-6-8 0-16" stroke="{d}" stroke-width="4" fill="none" stroke-linecap="round" opacity=".5"/>'
    ),
}
