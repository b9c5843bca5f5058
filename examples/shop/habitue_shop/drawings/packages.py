# ruff: noqa: E501 - a drawing is one long line of SVG; broken up it would not be read better
"""Packages: whatever has a label. The brand's colour is the package, its mark stands on the label."""

from __future__ import annotations

PACKAGES: dict[str, str] = {
    "carton": (
        '<path fill="{w}" d="M62 84 100 50 138 84v82a6 6 0 0 1-6 6H68a6 6 0 0 1-6-6z"/>'
        '<path fill="{a}" d="M62 112h76v54a6 6 0 0 1-6 6H68a6 6 0 0 1-6-6z"/>'
        '<path fill="{l}" d="M62 84 80 44h40l18 40z"/><path fill="{d}" d="M80 34h40v12H80z"/>'
        '<path fill="{i}" opacity=".1" d="M116 84h22v82a6 6 0 0 1-6 6h-16z"/><g transform="translate(94 140)"><circle r="18" fill="{w}"/>{m}</g>'
    ),
    "juice": (
        '<path fill="{w}" d="M66 62h68v104a6 6 0 0 1-6 6H72a6 6 0 0 1-6-6z"/><path fill="{d}" d="m66 62 8-22h52l8 22z"/>'
        '<rect x="90" y="26" width="20" height="14" rx="3" fill="{k}"/><circle cx="100" cy="118" r="26" fill="{k}"/>'
        '<path d="M100 118V94m0 24 21-12m-21 12 21 12m-21-12v24m0-24-21 12m21-12-21-12" stroke="{w}" stroke-width="3"/>'
        '<circle cx="100" cy="118" r="22" fill="none" stroke="{w}" stroke-width="3"/><path fill="{a}" d="M66 154h68v12a6 6 0 0 1-6 6H72a6 6 0 0 1-6-6z"/>'
    ),
    "pot": (
        '<path fill="{w}" d="M60 74h80l-9 92a7 7 0 0 1-7 6H76a7 7 0 0 1-7-6z"/><path fill="{a}" d="M63 102h74l-5 50H68z"/>'
        '<rect x="54" y="62" width="92" height="14" rx="5" fill="{d}"/><path fill="{l}" d="M130 62q26-14 26-2 0 8-14 8z"/>'
        '<g transform="translate(100 127)"><circle r="18" fill="{w}"/>{m}</g>'
    ),
    "tub": (
        '<path fill="{a}" d="M46 92h108l-9 68a8 8 0 0 1-8 7H63a8 8 0 0 1-8-7z"/><rect x="40" y="74" width="120" height="20" rx="8" fill="{l}"/>'
        '<path fill="{w}" opacity=".9" d="M52 108h96l-4 32H56z"/><g transform="translate(100 124)">{m}</g>'
    ),
    "icecream": (
        '<path fill="{a}" d="M52 88h96l-10 76a8 8 0 0 1-8 7H70a8 8 0 0 1-8-7z"/><path fill="{l}" d="M58 88a42 40 0 0 1 84 0z"/>'
        '<path fill="{k}" d="M76 66q24-30 48 0-8 12-16 2-8 12-16 0-8 8-16-2z"/><rect x="46" y="82" width="108" height="13" rx="6" fill="{w}"/>'
        '<g transform="translate(100 128)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "popsicle": (
        '<rect x="92" y="136" width="16" height="44" rx="7" fill="#d9b382"/><path fill="{a}" d="M64 76a36 36 0 0 1 72 0v64a6 6 0 0 1-6 6H70a6 6 0 0 1-6-6z"/>'
        '<path fill="{d}" d="M64 76a36 36 0 0 1 72 0v22q-9 16-18 2-9 14-18 0-9 14-18-2-9 14-18-2z"/>'
        '<path d="M82 108v24m18-20v24m18-24v24" stroke="{l}" stroke-width="5" stroke-linecap="round"/>'
    ),
    "bottle": (
        '<path fill="{a}" d="M84 58h32v16q22 12 22 36v56a8 8 0 0 1-8 8H70a8 8 0 0 1-8-8v-56q0-24 22-36z"/><rect x="80" y="36" width="40" height="24" rx="5" fill="{d}"/>'
        '<rect x="62" y="112" width="76" height="40" fill="{w}"/><g transform="translate(100 132)">{m}</g>'
    ),
    "squeeze": (
        '<path fill="{a}" d="M74 74h52q14 0 14 16l-4 76a9 9 0 0 1-9 8H73a9 9 0 0 1-9-8l-4-76q0-16 14-16z"/><path fill="{d}" d="M84 74l6-30h20l6 30z"/>'
        '<rect x="95" y="28" width="10" height="18" rx="4" fill="{d}"/><ellipse cx="100" cy="126" rx="28" ry="30" fill="{w}"/><g transform="translate(100 126)">{m}</g>'
    ),
    "oil": (
        '<path fill="#e6c65c" d="M88 56h24v22q20 10 20 32v58a7 7 0 0 1-7 7H75a7 7 0 0 1-7-7v-58q0-22 20-32z"/><path fill="{i}" opacity=".08" d="M112 78q20 10 20 32v58a7 7 0 0 1-7 7h-13z"/>'
        '<rect x="86" y="32" width="28" height="26" rx="4" fill="{d}"/><rect x="68" y="112" width="64" height="42" fill="{w}"/><path fill="{a}" d="M68 112h64v8H68z"/><g transform="translate(100 138)">{m}</g>'
    ),
    "wine": (
        '<path fill="{d}" d="M88 26h24v46q20 12 20 36v60a7 7 0 0 1-7 7H75a7 7 0 0 1-7-7v-60q0-24 20-36z"/><path fill="{k}" d="M88 24h24v30H88z"/>'
        '<path fill="{w}" opacity=".16" d="M76 106q0-18 14-28v92H76z"/><rect x="68" y="108" width="64" height="46" fill="{w}"/><path fill="{a}" d="M68 146h64v8H68z"/><g transform="translate(100 128)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "spirit": (
        '<path fill="{l}" d="M90 56h20v14q30 6 30 30v66a8 8 0 0 1-8 8H68a8 8 0 0 1-8-8v-66q0-24 30-30z"/><path fill="{a}" d="M60 118h80v48a8 8 0 0 1-8 8H68a8 8 0 0 1-8-8z"/>'
        '<rect x="86" y="32" width="28" height="26" rx="5" fill="{i}"/><rect x="74" y="106" width="52" height="46" rx="3" fill="{w}"/><g transform="translate(100 129)">{m}</g>'
    ),
    "beer": (
        '<path fill="#7a4a22" d="M90 34h20v36q18 12 18 34v64a7 7 0 0 1-7 7H79a7 7 0 0 1-7-7v-64q0-22 18-34z"/><rect x="87" y="26" width="26" height="11" rx="3" fill="{k}"/>'
        '<path fill="{w}" opacity=".14" d="M80 104q0-16 12-26v92H80z"/><rect x="72" y="106" width="56" height="46" fill="{a}"/><ellipse cx="100" cy="129" rx="22" ry="17" fill="{w}"/><g transform="translate(100 129) scale(.8)">{m}</g>'
    ),
    "soda": (
        '<path fill="{a}" d="M68 52h64l6 14v90l-6 16H68l-6-16V66z"/><path fill="#cfd3d6" d="M70 42h60l4 12H66z"/><path fill="#b9bec2" d="M66 170h68l-4 8H70z"/>'
        '<path fill="{l}" d="M62 128q38-46 76-20v26q-38-24-76 20z"/><path fill="{w}" opacity=".25" d="M70 66h10v88H70z"/><g transform="translate(100 94)"><circle r="19" fill="{w}"/>{m}</g>'
    ),
    "bottle_soda": (
        '<path fill="{d}" d="M88 44h24v20q22 18 22 42v62a8 8 0 0 1-8 8H74a8 8 0 0 1-8-8v-62q0-24 22-42z"/><rect x="86" y="26" width="28" height="18" rx="4" fill="{k}"/>'
        '<rect x="66" y="98" width="68" height="44" fill="{a}"/><path fill="{w}" opacity=".18" d="M74 104q2-24 14-34v100H74z"/><g transform="translate(100 120)"><circle r="18" fill="{w}"/>{m}</g>'
    ),
    "water": (
        '<path fill="#bfe0ec" d="M88 46h24v14q22 12 22 36v72a8 8 0 0 1-8 8H74a8 8 0 0 1-8-8V96q0-24 22-36z"/><rect x="86" y="28" width="28" height="18" rx="4" fill="{a}"/>'
        '<path d="M66 152q17-8 34 0t34 0M66 82q17 8 34 0t34 0" fill="none" stroke="#fff" stroke-width="4" opacity=".7"/><rect x="66" y="98" width="68" height="40" fill="{a}"/><g transform="translate(100 118)"><circle r="16" fill="{w}"/>{m}</g>'
    ),
    "jar": (
        '<path fill="{k}" opacity=".85" d="M62 70h76q8 6 8 18v72a12 12 0 0 1-12 12H66a12 12 0 0 1-12-12V88q0-12 8-18z"/><path fill="{w}" opacity=".28" d="M62 88h10v72H62z"/>'
        '<rect x="58" y="44" width="84" height="26" rx="6" fill="{d}"/><path d="M70 48v18m12-18v18m12-18v18m12-18v18m12-18v18" stroke="{w}" stroke-width="2" opacity=".35"/><rect x="54" y="98" width="92" height="48" fill="{w}"/><path fill="{a}" d="M54 98h92v7H54zm0 41h92v7H54z"/><g transform="translate(100 122)">{m}</g>'
    ),
    "can": (
        '<path fill="#c9cdd0" d="M60 54h80v112q0 8-40 8t-40-8z"/><ellipse cx="100" cy="54" rx="40" ry="10" fill="#dfe2e4"/><ellipse cx="100" cy="54" rx="32" ry="6.500" fill="#c0c5c8"/>'
        '<path fill="{a}" d="M60 74q40 10 80 0v78q-40 10-80 0z"/><path fill="{k}" d="M60 132q40 10 80 0v20q-40 10-80 0z"/><g transform="translate(100 108)"><circle r="22" fill="{w}"/>{m}</g>'
    ),
    "can_flat": (
        '<path fill="#c9cdd0" d="M44 88h112v52q0 14-56 14t-56-14z"/><ellipse cx="100" cy="88" rx="56" ry="17" fill="#dfe2e4"/><ellipse cx="100" cy="88" rx="46" ry="12" fill="{l}"/>'
        '<path d="M92 84a10 6 0 1 1 2 8l-14 6" fill="none" stroke="#8b9297" stroke-width="4" stroke-linecap="round"/><path fill="{a}" d="M44 104q56 26 112 0v34q-56 26-112 0z"/><g transform="translate(100 134) scale(.8)"><circle r="17" fill="{w}"/>{m}</g>'
    ),
    "can_dough": (
        '<rect x="66" y="36" width="68" height="136" rx="6" fill="{a}"/><path d="M66 70 134 50v26L66 96zm0 52 68-20v26l-68 20z" fill="{l}"/><path fill="#cfd3d6" d="M64 32h72v10H64zm0 134h72v10H64z"/><g transform="translate(100 104)"><circle r="22" fill="{w}"/>{m}</g>'
    ),
    "tube_can": (
        '<rect x="66" y="46" width="68" height="128" rx="6" fill="{a}"/><rect x="62" y="32" width="76" height="18" rx="6" fill="{d}"/><path fill="{k}" d="M66 128q34-20 68 0v40a6 6 0 0 1-6 6H72a6 6 0 0 1-6-6z"/><g transform="translate(100 92)"><circle r="23" fill="{w}"/>{m}</g>'
    ),
    "tin": (
        '<rect x="56" y="62" width="88" height="110" rx="8" fill="{a}"/><rect x="50" y="48" width="100" height="20" rx="6" fill="{l}"/><rect x="56" y="92" width="88" height="52" fill="{w}"/><g transform="translate(100 118)">{m}</g>'
    ),
    "box": (
        '<path fill="{d}" d="M132 46l18 12v106l-18 12z"/><path fill="{l}" d="M56 46 72 34h80l-20 12z"/><path fill="{a}" d="M56 46h76v130H56z"/><path fill="{d}" d="m132 46 20-12v128l-20 14z"/>'
        '<path fill="{w}" d="M56 72h76v42H56z"/><path fill="{k}" d="M66 146a28 20 0 0 1 56 0z"/><g transform="translate(94 93)">{m}</g>'
    ),
    "cereal": (
        '<path fill="{a}" d="M50 36h84v140H50z"/><path fill="{d}" d="m134 36 18-8v138l-18 10z"/><path fill="{l}" d="m50 36 18-8h84l-18 8z"/><rect x="60" y="48" width="64" height="30" rx="4" fill="{w}"/>'
        '<path fill="{w}" d="M58 118h68q-4 42-34 42t-34-42z"/><ellipse cx="92" cy="118" rx="34" ry="9" fill="{k}"/><circle cx="78" cy="114" r="6" fill="#f0c987"/><circle cx="94" cy="112" r="6" fill="#e2ae5f"/><circle cx="108" cy="116" r="6" fill="#f0c987"/><g transform="translate(92 63) scale(.75)">{m}</g>'
    ),
    "barbox": (
        '<path fill="{a}" d="M36 76h112v84H36z"/><path fill="{d}" d="m148 76 18-12v82l-18 14z"/><path fill="{l}" d="m36 76 20-12h110l-18 12z"/><g transform="rotate(-12 104 132)"><rect x="62" y="116" width="84" height="28" rx="5" fill="{k}"/><path d="M70 116v28m68-28v28" stroke="{w}" stroke-width="4"/></g><g transform="translate(64 96)"><circle r="17" fill="{w}"/>{m}</g>'
    ),
    "fishbox": (
        '<path fill="{a}" d="M38 70h124v96H38z"/><path fill="{l}" d="M38 70 54 56h92l16 14z"/><path fill="{w}" d="M64 124q28-30 60-4l16-12v32l-16-12q-32 26-60-4z"/><circle cx="80" cy="122" r="3.500" fill="{i}"/><path d="M50 84h40" stroke="{w}" stroke-width="6" stroke-linecap="round"/>'
    ),
    "bag": (
        '<path fill="{a}" d="M56 40q44 10 88 0 6 66 2 132-46-10-92 0-4-66 2-132z"/><path fill="{d}" d="M56 40q44 10 88 0l1 14q-45 10-90 0zm-2 118q46-10 92 0v14q-46-10-92 0z"/>'
        '<ellipse cx="100" cy="92" rx="34" ry="22" fill="{w}"/><g transform="translate(100 92)">{m}</g><path fill="{k}" d="M76 128q24-20 48 0-6 18-24 18t-24-18z"/><path d="M84 130q16-10 32 0" stroke="{w}" stroke-width="3" fill="none" opacity=".6"/>'
    ),
    "bag_flat": (
        '<path fill="{w}" d="M58 54h84l6 112a8 8 0 0 1-8 8H60a8 8 0 0 1-8-8z"/><path fill="{a}" d="M58 54h84l-4-18H62z"/><path fill="{a}" d="M54.500 120h91l2.500 46a8 8 0 0 1-8 8H60a8 8 0 0 1-8-8z"/><path d="M66 36v18m14-18v18m14-18v18m14-18v18m14-18v18" stroke="{d}" stroke-width="3"/><g transform="translate(100 90) scale(1.15)">{m}</g><path d="M80 146h40" stroke="{w}" stroke-width="6" stroke-linecap="round"/>'
    ),
    "bag_peas": (
        '<path fill="{a}" d="M48 52q52 8 104 0l-4 116q-48 8-96 0z"/><path fill="{l}" d="M48 52q52 8 104 0v14q-52 8-104 0z"/><circle cx="80" cy="134" r="11" fill="#7fb069"/><circle cx="103" cy="140" r="11" fill="#95c27d"/><circle cx="124" cy="130" r="11" fill="#6a9c55"/><path d="m68 84 8 14m0-14-8 14m-4-7h16m52-10 8 14m0-14-8 14m-4-7h16" stroke="{w}" stroke-width="3" stroke-linecap="round"/><g transform="translate(102 96)"><circle r="18" fill="{w}"/>{m}</g>'
    ),
    "pet_bag": (
        '<path fill="{a}" d="M54 44h92l8 128H46z"/><path fill="{d}" d="M54 44h92l-4-14H58z"/><circle cx="100" cy="112" r="36" fill="{w}"/><g fill="{d}"><ellipse cx="100" cy="122" rx="15" ry="12"/><circle cx="80" cy="108" r="7"/><circle cx="92" cy="95" r="7"/><circle cx="109" cy="95" r="7"/><circle cx="120" cy="108" r="7"/></g><path fill="{k}" d="M47 160h106l1 12H46z"/>'
    ),
    "coffee": (
        '<path fill="{d}" d="M60 46h80l6 120a8 8 0 0 1-8 8H62a8 8 0 0 1-8-8z"/><path fill="{i}" opacity=".25" d="M60 46h80l-3-16H63z"/><rect x="66" y="34" width="68" height="6" fill="{k}"/><path fill="{w}" d="M57 84h86l4 50H54z"/><g transform="rotate(25 100 109)"><ellipse cx="100" cy="109" rx="15" ry="20" fill="#6b4226"/><path d="M100 90q-8 10 0 19t0 19" stroke="{w}" stroke-width="3" fill="none"/></g><path fill="{a}" d="M54.500 150h91v8h-91z"/>'
    ),
    "tea": (
        '<path fill="{a}" d="M44 78h96v88H44z"/><path fill="{d}" d="m140 78 16-12v86l-16 14z"/><path fill="{l}" d="m44 78 18-12h94l-16 12z"/><path d="M120 74q24-30 34 8" fill="none" stroke="{i}" stroke-width="2.500"/><path fill="{w}" d="M144 82h20v26h-20z"/><path fill="#7fa35b" d="M92 96q28 8 20 40-30-4-20-40z"/><path d="M94 100q8 18 16 32" stroke="{w}" stroke-width="2"/><path fill="#9bbb77" d="M84 106q-22 10-14 32 22-4 14-32z"/>'
    ),
    "sachet": (
        '<path fill="{a}" d="M62 38h76v134H62z"/><path d="M62 38l4 6 4-6 4 6 4-6 4 6 4-6 4 6 4-6 4 6 4-6 4 6 4-6 4 6 4-6 4 6 4-6 4 6 4-6 4 6" fill="none" stroke="{d}" stroke-width="3"/><path fill="{l}" d="M62 112q38-26 76 0v60H62z"/><path fill="{k}" d="M80 140q20-22 40 0-6 16-20 16t-20-16z"/><g transform="translate(100 78)"><circle r="20" fill="{w}"/>{m}</g>'
    ),
    "shaker": (
        '<path fill="{l}" d="M70 78h60v88a8 8 0 0 1-8 8H78a8 8 0 0 1-8-8z"/><path fill="{k}" d="M70 104h60v62a8 8 0 0 1-8 8H78a8 8 0 0 1-8-8z"/><path fill="{d}" d="M66 78V60q0-24 34-24t34 24v18z"/><g fill="{w}"><circle cx="88" cy="54" r="3"/><circle cx="100" cy="50" r="3"/><circle cx="112" cy="54" r="3"/><circle cx="94" cy="62" r="3"/><circle cx="106" cy="62" r="3"/></g><rect x="70" y="110" width="60" height="42" fill="{w}"/><g transform="translate(100 131)">{m}</g>'
    ),
    "pasta": (
        '<path fill="{a}" d="M60 38h80v136H60z"/><path fill="#f3dfa2" d="M76 82h48v74H76z"/><path d="M82 82v74m7-74v74m7-74v74m7-74v74m7-74v74m7-74v74" stroke="#d9b65d" stroke-width="3"/><path fill="{d}" d="M60 38h80v10H60zm0 126h80v10H60z"/><g transform="translate(100 65) scale(.7)"><circle r="19" fill="{w}"/>{m}</g>'
    ),
    "tray": (
        '<path fill="{d}" d="M34 84h132l-12 70a8 8 0 0 1-8 6H54a8 8 0 0 1-8-6z"/><rect x="28" y="74" width="144" height="16" rx="7" fill="{a}"/><path fill="{w}" d="M62 44h76a8 8 0 0 1 8 8v74a8 8 0 0 1-8 8H62a8 8 0 0 1-8-8V52a8 8 0 0 1 8-8z"/><circle cx="100" cy="96" r="27" fill="{l}"/><path fill="{k}" d="M82 98q6-20 20-14t18 10q-6 18-20 16t-18-12z"/><circle cx="106" cy="88" r="5" fill="#7fb069"/><path fill="{a}" d="M54 52a8 8 0 0 1 8-8h76a8 8 0 0 1 8 8v8H54z"/>'
    ),
}
