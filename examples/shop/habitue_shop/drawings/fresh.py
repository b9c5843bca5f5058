# ruff: noqa: E501 - a drawing is one long line of SVG; broken up it would not be read better
"""Fresh things, in their own colours: fruit, vegetables, meat, fish, eggs, flowers."""

from __future__ import annotations

_LEAF = '<path fill="#5f8f4e" d="M102 58q4-26 34-24-4 26-34 24z"/>'
_STALK = '<path d="M100 66q-2-18 6-30" fill="none" stroke="#6d4c2f" stroke-width="6" stroke-linecap="round"/>'

FRESH: dict[str, str] = {
    "apple": _STALK + _LEAF + (
        '<path fill="#c8453b" d="M100 72q-16-14-36-4-26 16-18 54 8 40 34 50 10 3 20-3 10 6 20 3 26-10 34-50 8-38-18-54-20-10-36 4z"/>'
        '<path d="M66 88q-10 14-6 34" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".4"/>'
    ),
    "pear": _STALK + _LEAF + (
        '<path fill="#b9c14c" d="M100 58q-20 0-24 28-4 22-20 36-18 22 4 42 20 14 40 14t40-14q22-20 4-42-16-14-20-36-4-28-24-28z"/>'
        '<path d="M74 118q-12 14-6 30" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".4"/>'
    ),
    "peach": _LEAF + (
        '<circle cx="100" cy="116" r="56" fill="#f0a35e"/><path fill="#e2704f" d="M100 60a56 56 0 0 1 40 95q-44 8-40-95z" opacity=".75"/>'
        '<path d="M100 62q-20 50 0 108" fill="none" stroke="#c65f3c" stroke-width="4" opacity=".6"/>'
    ),
    "cherry": (
        '<path d="M72 128q6-56 58-86-10 40-2 92" fill="none" stroke="#5f7d3c" stroke-width="5" stroke-linecap="round"/><path fill="#6fa052" d="M128 44q34-12 44 14-28 12-44-14z"/>'
        '<circle cx="70" cy="144" r="28" fill="#a8243a"/><circle cx="128" cy="146" r="28" fill="#bf2f46"/><circle cx="60" cy="134" r="6" fill="#fff" opacity=".45"/><circle cx="118" cy="136" r="6" fill="#fff" opacity=".45"/>'
    ),
    "citrus": (
        '<circle cx="100" cy="108" r="60" fill="#f0912d"/><circle cx="100" cy="108" r="51" fill="#fff4dd"/><g fill="#f6a94a"><path d="M100 104V62a42 42 0 0 1 29 12z"/><path d="m104 106 29-29a42 42 0 0 1 10 29z"/><path d="M104 110h39a42 42 0 0 1-11 28z"/><path d="m101 113 28 28a42 42 0 0 1-28 9z"/><path d="M97 113v37a42 42 0 0 1-27-10z"/><path d="m95 110-28 28a42 42 0 0 1-10-28z"/><path d="M95 106H57a42 42 0 0 1 10-28z"/><path d="M97 103 70 75a42 42 0 0 1 27-13z"/></g>'
    ),
    "berries": (
        '<path fill="#6fa052" d="M92 60q-26-20-44 0 24 16 44 0zm18 0q26-20 44 0-24 16-44 0z"/><g fill="#4b5f9e"><circle cx="72" cy="96" r="24"/><circle cx="124" cy="92" r="24" fill="#5c70b3"/><circle cx="98" cy="128" r="27" fill="#41548f"/><circle cx="56" cy="138" r="20" fill="#5c70b3"/><circle cx="142" cy="136" r="21"/></g><g fill="none" stroke="#2d3b6e" stroke-width="3"><path d="m66 90 6 5 6-5m40-5 6 5 6-5m-38 34 6 6 6-6m-46 10 4 4 4-4m78-1 4 4 4-4"/></g>'
    ),
    "strawberry": (
        '<path fill="#d23f44" d="M100 62q46-10 54 22 4 40-54 92-58-52-54-92 8-32 54-22z"/><path fill="#5f8f4e" d="M100 66q-30 20-44-2 22-2 32-16l12-14 12 14q10 14 32 16-14 22-44 2z"/><g fill="#ffe6a8"><ellipse cx="76" cy="98" rx="3" ry="5"/><ellipse cx="100" cy="94" rx="3" ry="5"/><ellipse cx="124" cy="98" rx="3" ry="5"/><ellipse cx="88" cy="122" rx="3" ry="5"/><ellipse cx="112" cy="122" rx="3" ry="5"/><ellipse cx="100" cy="146" rx="3" ry="5"/></g>'
    ),
    "grapes": _LEAF + (
        '<path d="M100 72V40" stroke="#6d4c2f" stroke-width="6" stroke-linecap="round"/><g fill="#7a4b8f"><circle cx="70" cy="88" r="18"/><circle cx="100" cy="86" r="18" fill="#8d5ca3"/><circle cx="130" cy="88" r="18"/><circle cx="84" cy="114" r="18" fill="#8d5ca3"/><circle cx="116" cy="114" r="18"/><circle cx="100" cy="142" r="18" fill="#6a3f7e"/></g><g fill="#fff" opacity=".35"><circle cx="94" cy="80" r="4"/><circle cx="64" cy="82" r="4"/><circle cx="78" cy="108" r="4"/></g>'
    ),
    "banana": (
        '<path fill="#f2c83f" d="M52 46q-14 78 44 112 32 18 62 6-58-24-76-66-10-26-12-56z"/><path fill="#e0b02c" d="M76 44q10 62 56 92 26 16 38 8-44-30-58-66-6-18-8-40z"/><path fill="#7a5b22" d="m48 38 26-4 4 12-26 4zm22-4 28-2 6 8-30 4zm84 124 12-2-2 12zm10-18 12-2-4 12z"/>'
    ),
    "pineapple": (
        '<path fill="#5f8f4e" d="M100 84q-36-16-40-48 22 2 30 22-4-22 10-38 14 16 10 38 8-20 30-22-4 32-40 48z"/><ellipse cx="100" cy="128" rx="38" ry="48" fill="#e6ac3a"/><path d="m68 104 56 62m-48-78 60 66m-4-58-60 62m52-76-60 62" stroke="#b97f1f" stroke-width="4"/>'
    ),
    "avocado": (
        '<path fill="#3f5a32" d="M100 36q-22 0-32 38-18 26-18 52 0 44 50 46 50-2 50-46 0-26-18-52-10-38-32-38z"/><path fill="#cfd98b" d="M100 48q-16 0-24 34-16 24-16 44 0 34 40 36 40-2 40-36 0-20-16-44-8-34-24-34z"/><circle cx="100" cy="124" r="24" fill="#7b4d2c"/><circle cx="92" cy="116" r="6" fill="#fff" opacity=".35"/>'
    ),
    "melon": (
        '<path fill="#4d8a4a" d="M26 82h148a74 78 0 0 1-148 0z"/><path fill="#eaf3d2" d="M36 82h128a64 68 0 0 1-128 0z"/><path fill="#e2574f" d="M44 82h112a56 60 0 0 1-112 0z"/><g fill="#3a2422"><ellipse cx="74" cy="98" rx="4" ry="6"/><ellipse cx="100" cy="94" rx="4" ry="6"/><ellipse cx="126" cy="98" rx="4" ry="6"/><ellipse cx="88" cy="118" rx="4" ry="6"/><ellipse cx="112" cy="118" rx="4" ry="6"/></g>'
    ),
    "leaf": (
        '<path fill="#5f9a4d" d="M98 176Q30 140 46 48q66 24 58 126z"/><path fill="#7bb566" d="M102 176q-14-82 52-112 24 80-48 112z"/><path d="M98 172Q86 108 62 72m44 100q8-50 34-84" fill="none" stroke="#eaf3d2" stroke-width="4" stroke-linecap="round"/>'
    ),
    "lettuce": (
        '<path fill="#4f8a43" d="M100 40q28-10 40 14 28 6 22 36 18 22-4 44-6 30-34 30-24 18-48 0-28 0-34-30-22-22-4-44-6-30 22-36 12-24 40-14z"/><path fill="#7bb566" d="M100 62q20-6 28 12 20 6 16 26 8 22-12 32-8 20-32 16-24 4-32-16-20-10-12-32-4-20 16-26 8-18 28-12z"/><path fill="#b9d98f" d="M100 86q24-6 26 18 0 26-26 28-26-2-26-28 2-24 26-18z"/><path d="M100 92v36m-14-26 14 12 14-12" fill="none" stroke="#5f9a4d" stroke-width="4" stroke-linecap="round"/>'
    ),
    "tomato": (
        '<path fill="#d64836" d="M100 68q56-16 60 44-4 56-60 60-56-4-60-60 4-60 60-44z"/><path fill="#4f8a43" d="m100 74-32 10 14-20-26-8 30-4 14-22 14 22 30 4-26 8 14 20z"/><path d="M58 104q-6 16 2 34" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".4"/>'
    ),
    "pepper": (
        '<path d="M100 64q-4-20 8-32" fill="none" stroke="#4f7d3c" stroke-width="10" stroke-linecap="round"/><path fill="#f0e0d1" d="M100 66q40-16 54 14 8 40-22 84-14 16-32 6-18 10-32-6-30-44-22-84 14-30 54-14z"/><path d="M100 70q-12 50 0 96" fill="none" stroke="{i}" stroke-width="4" opacity=".15"/><path d="M62 88q-4 24 8 50" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" opacity=".4"/>'
    ),
    "cucumber": (
        '<g transform="rotate(-38 100 104)"><rect x="28" y="80" width="128" height="42" rx="21" fill="#4f8a43"/><path d="M50 90h84m-90 12h96" stroke="#7bb566" stroke-width="4" stroke-dasharray="10 12" stroke-linecap="round"/></g><circle cx="140" cy="142" r="27" fill="#4f8a43"/><circle cx="140" cy="142" r="22" fill="#dceab8"/><g fill="#a9c97a"><circle cx="140" cy="130" r="3"/><circle cx="150" cy="138" r="3"/><circle cx="147" cy="150" r="3"/><circle cx="133" cy="150" r="3"/><circle cx="130" cy="138" r="3"/></g>'
    ),
    "potato": (
        '<path fill="#c99a5b" d="M52 96q16-44 62-40 44 6 44 52 0 40-40 54-44 10-66-18-12-20 0-48z"/><path fill="#b18246" d="M134 62q26 14 24 46 0 40-40 54 40-40 16-100z" opacity=".6"/><g fill="#8f6534"><ellipse cx="84" cy="92" rx="5" ry="3"/><ellipse cx="112" cy="118" rx="5" ry="3"/><ellipse cx="78" cy="132" rx="5" ry="3"/><ellipse cx="124" cy="84" rx="5" ry="3"/></g>'
    ),
    "onion": (
        '<path fill="#c98d3e" d="M100 38q6 26 22 36 38 18 34 56-8 38-56 40-48-2-56-40-4-38 34-56 16-10 22-36z"/><path d="M100 60q-40 50-10 108m10-108q40 50 10 108M100 60v110" fill="none" stroke="#9c6526" stroke-width="3.500"/><path d="m92 170-6 12m14-12v14m8-14 6 12" stroke="#8a6a3c" stroke-width="3"/>'
    ),
    "carrot": (
        '<path fill="#6fa052" d="M112 78q-14-38 4-52 8 20 6 36 14-28 36-26-6 26-28 38 22-4 32 10-20 14-42 2z"/><path fill="#e98232" d="M88 84q20-14 34 4 12 16-4 32l-78 60q-10 4-6-8z"/><path d="m84 112 14 8m-30 10 12 8m34-44-12-10" stroke="#c2611b" stroke-width="4" stroke-linecap="round"/>'
    ),
    "broccoli": (
        '<path fill="#a9c97a" d="M84 110h32l8 58q-24 12-48 0z"/><path fill="#4f8a43" d="M62 118a28 28 0 0 1-6-54 34 34 0 0 1 62-16 30 30 0 0 1 32 36 26 26 0 0 1-18 40q-18 12-32-2-20 16-38-4z"/><g fill="#6ba65c"><circle cx="76" cy="78" r="14"/><circle cx="108" cy="66" r="16"/><circle cx="128" cy="96" r="14"/><circle cx="92" cy="104" r="13"/></g>'
    ),
    "corn": (
        '<path fill="#f0c63e" d="M100 30q28 12 28 70t-28 74q-28-16-28-74t28-70z"/><path d="M76 70h48m-52 16h56m-56 16h56m-56 16h56m-54 16h52m-46 16h40M88 40v126m12-134v140m12-132v126" stroke="#d3a423" stroke-width="2.500"/><path fill="#6fa052" d="M98 178Q44 160 54 84q34 36 44 94zm4 0q54-18 44-94-34 36-44 94z"/>'
    ),
    "mushroom": (
        '<path fill="#f1e7d8" d="M82 108h36q-2 30 10 52-28 16-56 0 12-22 10-52z"/><path fill="#b98a62" d="M36 112q-2-62 64-66 66 4 64 66-64 16-128 0z"/><g fill="#e5cdb2"><circle cx="78" cy="82" r="9"/><circle cx="112" cy="72" r="8"/><circle cx="130" cy="96" r="7"/></g>'
    ),
    "pumpkin": (
        '<path d="M98 64q-4-18 12-30" fill="none" stroke="#5f7d3c" stroke-width="11" stroke-linecap="round"/><g fill="#e58a2e"><ellipse cx="66" cy="118" rx="32" ry="48"/><ellipse cx="134" cy="118" rx="32" ry="48"/></g><ellipse cx="100" cy="118" rx="34" ry="54" fill="#f09c3f"/><path d="M82 74q-14 44 0 88m36-88q14 44 0 88" fill="none" stroke="#c56f1a" stroke-width="4"/>'
    ),
    "nuts": (
        '<path fill="{a}" d="M44 104h112l-12 60a9 9 0 0 1-9 8H65a9 9 0 0 1-9-8z"/><g fill="#b98149"><ellipse cx="68" cy="94" rx="18" ry="13" transform="rotate(-20 68 94)"/><ellipse cx="104" cy="86" rx="19" ry="13" transform="rotate(14 104 86)" fill="#d19d62"/><ellipse cx="136" cy="96" rx="17" ry="12" transform="rotate(-14 136 96)"/><ellipse cx="86" cy="72" rx="16" ry="11" transform="rotate(30 86 72)" fill="#a06c38"/><ellipse cx="122" cy="70" rx="15" ry="11" transform="rotate(-24 122 70)"/></g><path fill="{d}" d="M44 104h112l-2 12H46z"/><g transform="translate(100 144)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "eggs": (
        '<g fill="#f3e3cf"><ellipse cx="62" cy="92" rx="21" ry="27"/><ellipse cx="138" cy="92" rx="21" ry="27"/><ellipse cx="100" cy="90" rx="22" ry="29" fill="#e5c6a2"/></g><path fill="{a}" d="M30 104q16-14 32 0t38 0q20-14 38 0t32 0l-8 52a8 8 0 0 1-8 8H46a8 8 0 0 1-8-8z"/><path fill="{d}" d="M36 144h128l-2 12a8 8 0 0 1-8 8H46a8 8 0 0 1-8-8z"/>'
    ),
    "egg": (
        '<path fill="{a}" d="M100 32q46 44 46 88 0 46-46 48-46-2-46-48 0-44 46-88z"/><path d="m58 104 14 12 14-12 14 12 14-12 14 12 14-12" fill="none" stroke="{w}" stroke-width="7"/><g fill="{k}"><circle cx="78" cy="138" r="7"/><circle cx="100" cy="144" r="7"/><circle cx="122" cy="138" r="7"/><circle cx="88" cy="80" r="6"/><circle cx="112" cy="80" r="6"/></g>'
    ),
    "steak": (
        '<path fill="#a93c3c" d="M44 84q24-44 76-34 48 12 42 58-8 36-46 34-24-2-34 18-12 18-34 6-28-30-4-82z"/><path fill="#f3d6cc" d="M58 92q20-32 60-26 34 10 28 40-6 22-30 22-30 0-42 22-6 8-14 2-18-26-2-60z"/><path fill="#c85a55" d="M68 98q16-24 48-20 26 8 20 28-6 14-22 14-32 2-46 24-14-20 0-46z"/><circle cx="112" cy="98" r="10" fill="#f3d6cc"/>'
    ),
    "chop": (
        '<path fill="#f3d6cc" d="M56 76q28-38 74-22 40 20 28 62-14 34-48 26-16-4-24 18l-14 26-20-10 12-28q-30-28-8-72z"/><path fill="#d9817a" d="M68 84q22-28 56-16 30 16 20 44-10 24-36 18-26-6-36 16-20-24-4-62z"/><path d="M92 92q20-10 34 4" fill="none" stroke="#f3d6cc" stroke-width="6" stroke-linecap="round"/>'
    ),
    "drumstick": (
        '<g transform="rotate(40 100 100)"><path fill="#d8b58c" d="M92 128h16v36a11 11 0 1 1-8 8 11 11 0 1 1-8-8z"/><path fill="#cc8340" d="M100 24q44 6 46 52-2 40-34 56-12 6-24 0-32-16-34-56 2-46 46-52z"/><path d="M76 56q-10 14-6 34" fill="none" stroke="#fff" stroke-width="8" stroke-linecap="round" opacity=".35"/></g>'
    ),
    "ham": (
        '<ellipse cx="100" cy="108" rx="66" ry="50" fill="#e79a97"/><ellipse cx="100" cy="108" rx="66" ry="50" fill="none" stroke="#f8e1da" stroke-width="9"/><ellipse cx="100" cy="108" rx="40" ry="28" fill="#d97f80"/><circle cx="112" cy="104" r="10" fill="#f8e1da"/><path d="M62 96q14-18 36-18" fill="none" stroke="#f8e1da" stroke-width="5" stroke-linecap="round"/>'
    ),
    "bacon": (
        '<g fill="none" stroke-width="17" stroke-linecap="round"><path d="M40 64q30-26 60 0t60 0" stroke="#b64a44"/><path d="M40 104q30-26 60 0t60 0" stroke="#c75b50"/><path d="M40 144q30-26 60 0t60 0" stroke="#b64a44"/></g><g fill="none" stroke="#f6ddcf" stroke-width="5" stroke-linecap="round"><path d="M40 64q30-26 60 0t60 0M40 104q30-26 60 0t60 0M40 144q30-26 60 0t60 0"/></g>'
    ),
    "sausage": (
        '<g fill="none" stroke-linecap="round"><path d="M46 72q50 56 112 20" stroke="#a8573a" stroke-width="27"/><path d="M42 120q54 56 116 16" stroke="#bb6a48" stroke-width="27"/><path d="M66 86l-6 12m30 0-4 14m30-12 2 14M64 136l-6 12m32 0-4 14m32-14 2 14" stroke="#7d3c25" stroke-width="4"/></g>'
    ),
    "fish": (
        '<path fill="#7fa9b8" d="M36 104q42-52 98-10l32-26q-8 36 0 70l-32-24q-56 42-98-10z"/><path fill="#a9cbd6" d="M36 104q42 52 98 10l-20-10q-40 10-78 0z"/><path fill="#5c8798" d="M84 70q20-22 40-8l-4 20z"/><circle cx="62" cy="96" r="6" fill="#fff"/><circle cx="62" cy="96" r="3" fill="#223"/><path d="M80 82q10 20 0 42m18-40q8 20 0 38" fill="none" stroke="#5c8798" stroke-width="3.500"/>'
    ),
    "shrimp": (
        '<path d="M132 60q-74-18-82 44 2 54 68 50" fill="none" stroke="#e98a6d" stroke-width="32" stroke-linecap="round"/><path d="M92 46l-6 30M60 74l24 16m-36 24 30-6m-16 42 20-26m22 40 2-32" stroke="#fbd9cb" stroke-width="5" stroke-linecap="round"/><path fill="#d46a4d" d="m118 138 36-8-8 22 18 18-40-4z"/><circle cx="132" cy="56" r="4" fill="#402"/><path d="M140 50q30-18 34 6" fill="none" stroke="#d46a4d" stroke-width="3"/>'
    ),
    "bouquet": (
        '<path d="M100 170 68 82m32 88V70m0 100 32-88" stroke="#5f8f4e" stroke-width="5"/><path fill="{l}" d="M60 104h80l-34 72H94z"/><path fill="{w}" opacity=".5" d="M100 104h40l-34 72h-6z"/><g fill="{a}"><circle cx="66" cy="80" r="24"/><circle cx="134" cy="80" r="24" fill="{k}"/><circle cx="100" cy="58" r="26" fill="{d}"/></g><g fill="#f7d774"><circle cx="66" cy="80" r="8"/><circle cx="134" cy="80" r="8"/><circle cx="100" cy="58" r="9"/></g><path fill="#5f8f4e" d="M40 106q20-14 34 4-20 12-34-4zm120 0q-20-14-34 4 20 12 34-4z"/>'
    ),
    "rose": (
        '<path d="M100 176V96" stroke="#4f8a43" stroke-width="6"/><path fill="#5f9a4d" d="M100 146q32-30 50-8-22 24-50 8zm0-20q-32-28-48-6 20 22 48 6z"/><circle cx="100" cy="70" r="40" fill="{a}"/><path fill="{d}" d="M100 40q30 4 30 32-10 30-34 26-24-6-20-30 8-20 26-14 14 8 6 22-10 8-14-2" opacity=".75"/><path d="M68 60q-2 34 30 42m34-48q2 36-26 48" fill="none" stroke="{l}" stroke-width="4" stroke-linecap="round"/>'
    ),
    "plant": (
        '<path fill="#4f8a43" d="M98 122Q40 110 44 52q54 8 56 70z"/><path fill="#6ba65c" d="M102 122q-10-66 22-90 30 46-18 90z"/><path fill="#5f9a4d" d="M104 124q8-44 56-46 2 42-56 46z"/><path fill="{a}" d="M60 120h80l-10 50a6 6 0 0 1-6 5H76a6 6 0 0 1-6-5z"/><rect x="54" y="112" width="92" height="16" rx="5" fill="{d}"/>'
    ),
    "plant_flower": (
        '<path d="M100 124V76M84 124 66 92m50 32 18-32" stroke="#4f8a43" stroke-width="5"/><path fill="#5f9a4d" d="M98 118q-30 4-42-16 30-8 42 16zm4 0q30 4 42-16-30-8-42 16z"/><g fill="{k}"><circle cx="100" cy="48" r="13"/><circle cx="118" cy="62" r="13"/><circle cx="111" cy="83" r="13"/><circle cx="89" cy="83" r="13"/><circle cx="82" cy="62" r="13"/></g><circle cx="100" cy="67" r="12" fill="#f7d774"/><circle cx="62" cy="88" r="13" fill="{l}"/><circle cx="138" cy="88" r="13" fill="{l}"/><path fill="{a}" d="M62 124h76l-10 46a6 6 0 0 1-6 5H78a6 6 0 0 1-6-5z"/><rect x="56" y="116" width="88" height="15" rx="5" fill="{d}"/>'
    ),
}  # fmt: skip
