# ruff: noqa: E501 - a drawing is one long line of SVG; broken up it would not be read better
"""Everything that is not food: care, household, paper, presents."""

from __future__ import annotations

THINGS: dict[str, str] = {
    "spray": (
        '<path fill="{a}" d="M84 74h34q2 20 18 34 8 10 8 24v34a8 8 0 0 1-8 8H74a8 8 0 0 1-8-8v-34q0-14 8-24 10-14 10-34z"/><path fill="{d}" d="M58 36h62q22 0 24 22h-16l-4 16H82V60H58z"/><path fill="{d}" d="M58 56v10l-10 16 4-28z"/><rect x="66" y="122" width="78" height="38" fill="{w}"/><g transform="translate(105 141)">{m}</g><path d="m46 40-16-6m16 12H28m18 4-14 8" stroke="{k}" stroke-width="3" stroke-linecap="round"/>'
    ),
    "jug": (
        '<path fill="{a}" d="M62 66h60q26 0 30 30v68a8 8 0 0 1-8 8H58a8 8 0 0 1-8-8V84q0-14 12-18z"/><path fill="{t}" d="M120 86q14 0 16 16v22q0 6-6 6t-6-6v-16q0-8-4-10t0-12z"/><rect x="62" y="38" width="42" height="30" rx="6" fill="{d}"/><ellipse cx="86" cy="128" rx="29" ry="28" fill="{w}"/><g transform="translate(86 128)">{m}</g>'
    ),
    "pump": (
        '<rect x="64" y="78" width="72" height="96" rx="12" fill="{a}"/><path fill="{d}" d="M84 64h32v16H84zm12-26h8v28h-8z"/><path fill="{d}" d="M70 30h38a6 6 0 0 1 6 6v6H84q-8 0-14 6z"/><rect x="64" y="102" width="72" height="44" fill="{w}"/><g transform="translate(100 124)">{m}</g>'
    ),
    "soap": (
        '<rect x="38" y="90" width="124" height="64" rx="30" fill="{a}"/><rect x="46" y="84" width="108" height="56" rx="26" fill="{l}"/><g transform="translate(100 112)">{m}</g><g fill="{w}" stroke="{a}" stroke-width="3"><circle cx="58" cy="62" r="14"/><circle cx="90" cy="46" r="9"/><circle cx="136" cy="58" r="12"/></g>'
    ),
    "cream": (
        '<rect x="44" y="92" width="112" height="74" rx="12" fill="{l}"/><rect x="40" y="62" width="120" height="36" rx="8" fill="{a}"/><path d="M56 66v28m14-28v28m14-28v28m14-28v28m14-28v28m14-28v28m14-28v28" stroke="{d}" stroke-width="3" opacity=".6"/><g transform="translate(100 132)"><circle r="22" fill="{w}"/>{m}</g>'
    ),
    "tube": (
        '<path fill="{a}" d="M62 34h76l-12 108H74z"/><path fill="{d}" d="M58 26h84v12H58z"/><rect x="78" y="142" width="44" height="32" rx="6" fill="{d}"/><g transform="translate(100 84)"><circle r="22" fill="{w}"/>{m}</g><path d="M82 122h36" stroke="{w}" stroke-width="5" stroke-linecap="round"/>'
    ),
    "toothpaste": (
        '<g transform="rotate(-26 100 104)"><path fill="{w}" d="M52 78 150 70v68l-98-8z"/><path fill="{a}" d="M52 78 150 70v26q-46-10-98 14z"/><path fill="{d}" d="M30 88h22v32H30zm120-22h8v76h-8z"/><g transform="translate(114 112) scale(.8)">{m}</g></g><path d="M40 146q10-16 24-4t26-2" fill="none" stroke="{k}" stroke-width="10" stroke-linecap="round"/>'
    ),
    "toothbrush": (
        '<g transform="rotate(-40 100 104)"><rect x="10" y="98" width="184" height="14" rx="7" fill="{a}"/><rect x="14" y="96" width="48" height="18" rx="8" fill="{d}"/><path fill="{w}" d="M140 76h48v24h-48z"/><path d="M146 76v24m8-24v24m8-24v24m8-24v24m8-24v24" stroke="{k}" stroke-width="4"/></g>'
    ),
    "stick": (
        '<rect x="68" y="74" width="64" height="100" rx="12" fill="{a}"/><path fill="{l}" d="M70 74V58q0-24 30-24t30 24v16z"/><rect x="64" y="88" width="72" height="12" fill="{d}"/><g transform="translate(100 134)"><circle r="22" fill="{w}"/>{m}</g>'
    ),
    "razor": (
        '<path fill="{a}" d="M90 84h20l8 84q-2 10-18 10t-18-10z"/><path fill="{d}" d="M56 46h88v40H56z"/><path d="M60 56h80m-80 10h80m-80 10h80" stroke="#dfe3e6" stroke-width="4"/><path d="M100 108v44" stroke="{l}" stroke-width="6" stroke-linecap="round"/>'
    ),
    "lipstick": (
        '<path fill="{k}" d="M82 84V54q4-24 36-24v54z"/><rect x="78" y="84" width="44" height="22" fill="#d8b36a"/><path fill="{i}" d="M70 104h60v62a8 8 0 0 1-8 8H78a8 8 0 0 1-8-8z"/><path fill="{a}" d="M70 132h60v12H70z"/>'
    ),
    "perfume": (
        '<rect x="54" y="84" width="92" height="88" rx="12" fill="{l}"/><path fill="{a}" d="M54 116h92v44a12 12 0 0 1-12 12H66a12 12 0 0 1-12-12z" opacity=".8"/><rect x="84" y="66" width="32" height="20" fill="#d8b36a"/><rect x="78" y="34" width="44" height="34" rx="6" fill="{d}"/><g transform="translate(100 132)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "comb": (
        '<path fill="{a}" d="M40 66q60-30 120 0v30H40z"/><path d="M46 94v66m15-66v66m15-66v66m15-66v66m15-66v66m15-66v66m15-66v66m15-66v66" stroke="{a}" stroke-width="7" stroke-linecap="round"/><path d="M56 74q44-16 88 0" stroke="{l}" stroke-width="5" fill="none" stroke-linecap="round"/>'
    ),
    "dryer": (
        '<path fill="{a}" d="M52 52h64a36 36 0 0 1 0 72H52z"/><path fill="{d}" d="M34 58h20v60H34z"/><path fill="{d}" d="M92 120h28l12 48a8 8 0 0 1-8 8h-12a8 8 0 0 1-8-6z"/><circle cx="114" cy="88" r="18" fill="{l}"/><path d="M18 70h10m-14 18h14m-10 18h10" stroke="{k}" stroke-width="4" stroke-linecap="round"/>'
    ),
    "pills": (
        '<path fill="#c77f33" d="M64 74h72v92a8 8 0 0 1-8 8H72a8 8 0 0 1-8-8z"/><rect x="58" y="44" width="84" height="32" rx="7" fill="{w}"/><path d="M70 48v24m12-24v24m12-24v24m12-24v24m12-24v24m12-24v24" stroke="{i}" stroke-width="3" opacity=".15"/><rect x="64" y="92" width="72" height="56" fill="{w}"/><path fill="{a}" d="M64 92h72v10H64z"/><g transform="translate(100 126)">{m}</g>'
    ),
    "medicine": (
        '<path fill="{k}" d="M80 58h40v14q18 8 18 26v68a8 8 0 0 1-8 8H70a8 8 0 0 1-8-8V98q0-18 18-26z" opacity=".85"/><rect x="76" y="30" width="48" height="30" rx="6" fill="{w}"/><rect x="62" y="102" width="76" height="50" fill="{w}"/><path fill="{a}" d="M94 108h12v13h13v12h-13v13H94v-13H81v-12h13z"/>'
    ),
    "plaster": (
        '<g transform="rotate(-32 100 104)"><rect x="22" y="76" width="156" height="56" rx="28" fill="#e6b98d"/><rect x="74" y="76" width="52" height="56" fill="#f4d9bb"/><g fill="#c99564"><circle cx="88" cy="92" r="3"/><circle cx="100" cy="92" r="3"/><circle cx="112" cy="92" r="3"/><circle cx="88" cy="104" r="3"/><circle cx="100" cy="104" r="3"/><circle cx="112" cy="104" r="3"/><circle cx="88" cy="116" r="3"/><circle cx="100" cy="116" r="3"/><circle cx="112" cy="116" r="3"/></g></g>'
    ),
    "dropper": (
        '<path fill="{a}" d="M76 88h48q12 6 12 20v58a8 8 0 0 1-8 8H72a8 8 0 0 1-8-8v-58q0-14 12-20z"/><rect x="80" y="68" width="40" height="22" fill="{d}"/><path fill="{i}" d="M88 68V44q0-16 12-16t12 16v24z"/><rect x="64" y="112" width="72" height="40" fill="{w}"/><g transform="translate(100 132)">{m}</g>'
    ),
    "glasses": (
        '<g fill="{l}" stroke="{d}" stroke-width="8"><circle cx="62" cy="112" r="32"/><circle cx="138" cy="112" r="32"/></g><path d="M94 106q6-8 12 0M32 100l-10-22m146 22 10-22" fill="none" stroke="{d}" stroke-width="8" stroke-linecap="round"/><path d="m48 104 14-12m62 12 14-12" stroke="{w}" stroke-width="5" stroke-linecap="round"/>'
    ),
    "softbox": (
        '<rect x="40" y="62" width="120" height="106" rx="10" fill="{a}"/><path fill="{l}" d="M40 112q40-40 60 0t60 0v46a10 10 0 0 1-10 10H50a10 10 0 0 1-10-10z"/><g transform="translate(100 98)"><circle r="23" fill="{w}"/>{m}</g>'
    ),
    "tissues": (
        '<path fill="{w}" d="M76 92q-6-34 18-48 0 18 14 24 16-10 24-28 14 30-8 52z"/><path fill="{a}" d="M36 92h128v66a8 8 0 0 1-8 8H44a8 8 0 0 1-8-8z"/><ellipse cx="100" cy="93" rx="36" ry="6" fill="{d}"/><g transform="translate(100 132)"><circle r="21" fill="{w}"/>{m}</g>'
    ),
    "paper_roll": (
        '<path fill="{w}" d="M52 64h96v88q0 18-48 18t-48-18z"/><ellipse cx="100" cy="64" rx="48" ry="18" fill="#f4efe6"/><ellipse cx="100" cy="64" rx="17" ry="7" fill="#b99a74"/><path fill="{w}" d="M148 64v92l18 14V80z"/><path d="M58 96q40 16 84 0m-84 22q40 16 84 0m-84 22q40 16 84 0" fill="none" stroke="{a}" stroke-width="3" stroke-dasharray="5 7"/><path fill="{i}" opacity=".07" d="M52 64v88q0 18 48 18-34-40-26-92z"/>'
    ),
    "plates": (
        '<circle cx="90" cy="104" r="58" fill="{w}"/><circle cx="90" cy="104" r="58" fill="none" stroke="{a}" stroke-width="6"/><circle cx="90" cy="104" r="38" fill="{l}" opacity=".6"/><path d="M160 44v36q0 10 8 10v78m0-124v42m8-42v36q0 10-8 10" fill="none" stroke="{d}" stroke-width="5" stroke-linecap="round"/>'
    ),
    "foil": (
        '<path fill="#d5dade" d="M42 62h112v38H42z"/><ellipse cx="154" cy="81" rx="10" ry="19" fill="#b4bbc1"/><path fill="{a}" d="M36 94h116v70H36z"/><path fill="{d}" d="m152 94 14-10v70l-14 10z"/><path d="m36 94 7 6 7-6 7 6 7-6 7 6 7-6 7 6 7-6 7 6 7-6 7 6 7-6 7 6 7-6 7 6 7-6" fill="none" stroke="{w}" stroke-width="3"/><g transform="translate(94 132)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "broom": (
        '<path d="M136 28 96 116" stroke="#b98149" stroke-width="9" stroke-linecap="round"/><path fill="{a}" d="m80 104 36 16-6 16-40-18z"/><path fill="#e2bd6b" d="m70 118 40 18q-2 34-22 44-34-6-54-24 22-8 36-38z"/><path d="m78 126-22 34m34-28-14 40m24-36-6 40" stroke="#b98f3d" stroke-width="4" stroke-linecap="round"/>'
    ),
    "battery": (
        '<rect x="62" y="52" width="76" height="122" rx="10" fill="{a}"/><rect x="84" y="36" width="32" height="18" rx="5" fill="#b4bbc1"/><path fill="{i}" d="M62 134h76v30a10 10 0 0 1-10 10H72a10 10 0 0 1-10-10z"/><path fill="{w}" d="m106 66-26 36h18l-6 26 28-38h-18z"/>'
    ),
    "bulb": (
        '<path fill="#f8dd76" d="M100 32a48 48 0 0 1 30 86q-8 8-8 22H78q0-14-8-22a48 48 0 0 1 30-86z"/><path d="M86 140V98l14 12 14-12v42" fill="none" stroke="#c99a2c" stroke-width="4"/><path fill="#b4bbc1" d="M78 140h44v24q-4 12-22 12t-22-12z"/><path d="M78 150h44m-44 11h44" stroke="#7f878d" stroke-width="4"/>'
    ),
    "tool": (
        '<g transform="rotate(38 100 104)"><rect x="88" y="92" width="24" height="92" rx="10" fill="{a}"/><rect x="92" y="60" width="16" height="36" fill="#9aa2a8"/><path fill="#7f878d" d="M52 30h76q22 2 26 24-14-10-26-8v18H62V50H52z"/></g>'
    ),
    "candle": (
        '<path fill="#f6a13c" d="M100 26q20 26 0 44-20-18 0-44z"/><path d="M100 66v22" stroke="{i}" stroke-width="4"/><path fill="{l}" d="M60 86h80v80a8 8 0 0 1-8 8H68a8 8 0 0 1-8-8z"/><ellipse cx="100" cy="87" rx="40" ry="9" fill="{w}"/><rect x="60" y="112" width="80" height="42" fill="{a}"/><g transform="translate(100 133)"><circle r="17" fill="{w}"/>{m}</g>'
    ),
    "diaper": (
        '<path fill="{w}" d="M36 66h128v30q-34 4-40 62-24 12-48 0-6-58-40-62z"/><path fill="{a}" d="M36 66h128v16H36z"/><path d="M64 104q10 16 14 46m58-46q-10 16-14 46" fill="none" stroke="{l}" stroke-width="6" stroke-linecap="round"/><g transform="translate(100 114)">{m}</g>'
    ),
    "baby_bottle": (
        '<path fill="#e9b48a" d="M92 48q-4-24 8-24t8 24z"/><path fill="{d}" d="M74 46h52v22H74z"/><path fill="{w}" d="M70 68h60v98a8 8 0 0 1-8 8H78a8 8 0 0 1-8-8z"/><path fill="{l}" d="M70 112h60v54a8 8 0 0 1-8 8H78a8 8 0 0 1-8-8z"/><path d="M70 90h18m-18 18h26m-26 18h18m-18 18h26" stroke="{a}" stroke-width="4"/>'
    ),
    "toy": (
        '<rect x="36" y="106" width="62" height="62" rx="7" fill="{a}"/><rect x="104" y="106" width="62" height="62" rx="7" fill="{k}"/><rect x="70" y="40" width="62" height="62" rx="7" fill="{d}"/><path fill="{w}" d="m101 52 6 13 14 2-10 10 3 14-13-7-13 7 3-14-10-10 14-2z"/><circle cx="67" cy="137" r="17" fill="{w}"/><path fill="{w}" d="m135 118 18 34h-36z"/>'
    ),
    "bone": (
        '<g transform="rotate(-28 100 104)"><path fill="#d9b27f" d="M60 84a21 21 0 1 0-24 20 21 21 0 1 0 24 20h80a21 21 0 1 0 24-20 21 21 0 1 0-24-20z"/><path d="M70 98h60" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".6"/></g><circle cx="158" cy="152" r="20" fill="{a}"/><g transform="translate(158 152) scale(.8)">{m}</g>'
    ),
    "balloon": (
        '<path fill="{a}" d="M84 34q34 2 36 42 0 32-36 46-36-14-36-46 2-40 36-42z"/><path fill="{k}" d="M130 58q26 4 26 34-2 26-30 36-24-14-24-40 4-28 28-30z" opacity=".9"/><path d="M84 122q-10 28 16 58m24-52q-2 30-24 52" fill="none" stroke="{i}" stroke-width="2.500" opacity=".5"/><path d="M64 62q2-14 14-16" stroke="{w}" stroke-width="6" fill="none" stroke-linecap="round"/>'
    ),
    "vase": (
        '<path fill="{a}" d="M80 40h40v26q32 16 32 56 0 36-22 52H70q-22-16-22-52 0-40 32-56z"/><path fill="{d}" d="M74 34h52v12H74z"/><path d="M50 116q25 18 50 0t50 0" fill="none" stroke="{l}" stroke-width="8"/><path d="M52 138q24 16 48 0t48 0" fill="none" stroke="{k}" stroke-width="5"/>'
    ),
    "gift": (
        '<path fill="{a}" d="M44 98h112v68a8 8 0 0 1-8 8H52a8 8 0 0 1-8-8z"/><rect x="36" y="74" width="128" height="28" rx="5" fill="{d}"/><path fill="{k}" d="M90 74h20v100H90z"/><path fill="none" stroke="{k}" stroke-width="10" d="M100 72q-44-4-36-28 20-12 36 28 16-40 36-28 8 24-36 28z"/>'
    ),
    "card": (
        '<g transform="rotate(-8 100 104)"><rect x="46" y="36" width="108" height="136" rx="6" fill="{w}"/><rect x="56" y="46" width="88" height="116" rx="3" fill="{a}"/><path fill="{l}" d="M56 128q44-34 88 0v31a3 3 0 0 1-3 3H59a3 3 0 0 1-3-3z"/><circle cx="116" cy="78" r="15" fill="{k}"/><path d="M80 130V92m0 14q-16-2-18-16 18 0 18 16zm0-8q16-2 18-16-18 0-18 16z" stroke="{w}" stroke-width="4" fill="{w}"/></g>'
    ),
    "pencil": (
        '<g transform="rotate(42 100 104)"><path fill="{a}" d="M84 42h32v100H84z"/><path fill="{d}" d="M106 42h10v100h-10z"/><path fill="#f0d9b0" d="m84 142 16 36 16-36z"/><path fill="{i}" d="m94 164 6 14 6-14z"/><path fill="#b4bbc1" d="M84 30h32v12H84z"/><path fill="#e2898f" d="M84 30q0-16 16-16t16 16z"/></g><path d="M34 168q20-14 36 0t36-2" fill="none" stroke="{k}" stroke-width="5" stroke-linecap="round"/>'
    ),
    "magazine": (
        '<path fill="{d}" d="M60 40h92v132H60z"/><path fill="{a}" d="M50 34h94v134H50z"/><path d="M60 50h74" stroke="{w}" stroke-width="14"/><circle cx="97" cy="112" r="30" fill="{l}"/><path fill="{k}" d="M50 136q47-50 94 0v32H50z"/><path d="M60 152h44m-44 8h30" stroke="{w}" stroke-width="4" stroke-linecap="round"/>'
    ),
    "book": (
        '<path fill="{d}" d="M52 34h92a10 10 0 0 1 10 10v122a8 8 0 0 1-8 8H60a10 10 0 0 1-10-10V44z"/><path fill="#f5efe2" d="M56 154h96v14H60q-6-1-6-7t6-7z"/><path fill="{a}" d="M54 30h90a8 8 0 0 1 8 8v114H62q-12 0-12 10V40a10 10 0 0 1 4-10z"/><path fill="{l}" d="M62 30h8v122h-8z"/><path d="M86 62h48m-40 14h32" stroke="{w}" stroke-width="6" stroke-linecap="round"/><g transform="translate(110 116)"><circle r="18" fill="{w}"/>{m}</g>'
    ),
    "disc": (
        '<rect x="40" y="42" width="112" height="124" rx="6" fill="{a}"/><rect x="40" y="42" width="12" height="124" fill="{d}"/><circle cx="106" cy="104" r="42" fill="#dfe3e6"/><path fill="{k}" opacity=".5" d="M106 104 140 79a42 42 0 0 1 6 32z"/><path fill="{l}" opacity=".8" d="M106 104 72 129a42 42 0 0 1-6-32z"/><circle cx="106" cy="104" r="13" fill="{a}"/><circle cx="106" cy="104" r="5" fill="{w}"/>'
    ),
    "camera": (
        '<path fill="{d}" d="M74 62 84 46h32l10 16z"/><rect x="34" y="60" width="132" height="96" rx="12" fill="{a}"/><path fill="{i}" d="M34 84h132v44H34z" opacity=".2"/><circle cx="100" cy="108" r="34" fill="{w}"/><circle cx="100" cy="108" r="25" fill="{i}"/><circle cx="91" cy="99" r="7" fill="{w}" opacity=".6"/><rect x="136" y="68" width="18" height="11" rx="3" fill="{k}"/>'
    ),
    "whisk": (
        '<path d="M100 112q-40-14-32-58 6-26 32-26t32 26q8 44-32 58m0 0q-18-30-12-60 4-20 12-20t12 20q6 30-12 60" fill="none" stroke="#9aa2a8" stroke-width="5"/><path fill="{a}" d="M92 108h16l5 60q-2 12-13 12t-13-12z"/><path fill="{d}" d="M90 104h20v12H90z"/>'
    ),
    "pan": (
        '<path fill="{d}" d="M128 98h58a8 8 0 0 1 0 16h-58z"/><ellipse cx="84" cy="106" rx="64" ry="52" fill="{i}"/><ellipse cx="84" cy="104" rx="55" ry="43" fill="{a}"/><path fill="#fffaf0" d="M58 100q0-24 24-22 30-6 34 20 0 26-28 26-30 2-30-24z"/><circle cx="88" cy="102" r="13" fill="#f2b632"/>'
    ),
    "storage": (
        '<path fill="{l}" d="M42 90h116l-8 76a8 8 0 0 1-8 7H58a8 8 0 0 1-8-7z"/><rect x="34" y="68" width="132" height="24" rx="8" fill="{a}"/><path fill="{k}" d="M50 118h100l-5 46a6 6 0 0 1-6 5H61a6 6 0 0 1-6-5z" opacity=".75"/><rect x="82" y="56" width="36" height="14" rx="6" fill="{d}"/>'
    ),
    "towel": (
        '<path fill="{a}" d="M44 62h88a18 18 0 0 1 18 18v84H44z"/><path fill="{d}" d="M132 62a18 18 0 0 1 18 18v6h-32v-6q0-18 14-18z"/><path d="M44 128h106m-106 14h106" stroke="{w}" stroke-width="6"/><path d="M48 164v12m12-12v12m12-12v12m12-12v12m12-12v12m12-12v12m12-12v12m12-12v12m12-12v12" stroke="{a}" stroke-width="4"/>'
    ),
    "shirt": (
        '<path fill="{a}" d="M70 44q30 24 60 0l40 24-16 36-18-8v78H64V96l-18 8-16-36z"/><path d="M72 46q28 30 56 0" fill="none" stroke="{l}" stroke-width="7"/><g transform="translate(100 112)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "sock": (
        '<path fill="{a}" d="M76 34h46v70q0 10 8 16l28 20q12 14-2 28-16 10-34 0l-40-28q-10-8-10-22z"/><path fill="{d}" d="M74 32h50v18H74z"/><path fill="{k}" d="M156 140q14 14 0 28-14 8-26 4 2-24 26-32z"/><path d="M76 66h46m-46 18h46" stroke="{w}" stroke-width="7"/>'
    ),
    "tree": (
        '<path fill="#7b4d2c" d="M90 154h20v24H90z"/><path fill="#3f7a4c" d="m100 30 30 44h-16l28 38h-20l32 44H46l32-44H58l28-38H70z"/><path fill="#f2c83f" d="m100 16 5 12 13 1-10 8 3 13-11-7-11 7 3-13-10-8 13-1z"/><g fill="{a}"><circle cx="88" cy="92" r="7"/><circle cx="114" cy="110" r="7"/><circle cx="78" cy="136" r="7"/><circle cx="120" cy="142" r="7"/></g>'
    ),
    "heart": (
        '<path fill="{a}" d="M100 170Q22 116 34 72q14-34 48-20 12 6 18 20 6-14 18-20 34-14 48 20 12 44-66 98z"/><path d="M54 78q4-18 22-16" stroke="{l}" stroke-width="8" fill="none" stroke-linecap="round"/>'
    ),
    "sun": (
        '<circle cx="100" cy="76" r="32" fill="#f6c244"/><path d="M100 28v-8m0 112v-4M52 76h-8m112 0h-8M66 42l-6-6m74 6 6-6" stroke="#f6c244" stroke-width="7" stroke-linecap="round"/><path fill="{a}" d="M38 134q62-44 124 0z"/><path fill="{w}" d="M64 121q12-8 24-10l-6 23H62zm48-10q14 2 24 10l2 13h-20z"/><path d="M100 108v68" stroke="{d}" stroke-width="6" stroke-linecap="round"/>'
    ),
}
