"""Back-office words turned into what stands on a price tag: names, sizes, house brands, varieties.

The data name a product by its type only ("YOGURT NOT MULTI-PACKS"), its brand by a number. Names of
brands and varieties are made up here, always the same for the same product; everything else is the data's.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WHOLE = {
    "YOGURT NOT MULTI-PACKS": "Yogurt",
    "YOGURT MULTI-PACKS": "Yogurt Multipack",
    "FLUID MILK WHITE ONLY": "Fresh Milk",
    "SOFT DRINKS 12/18&15PK CAN CAR": "Soda Cans",
    "SOFT DRINKS 20PK&24PK CAN CARB": "Soda Cans",
    "SOFT DRINKS 6PK/4PK CAN CARB (": "Soda Cans",
    "SFT DRNK 2 LITER BTL CARB INCL": "Soda Bottle",
    "SFT DRNK MLT-PK BTL CARB (EXCP": "Soda Bottles",
    "SFT DRNK SNGL SRV BTL CARB (EX": "Soda to Go",
    "SOFT DRINK BOTTLE NON-CARB (EX": "Still Drink",
    "SOFT DRINKS CAN NON-CARB (EXCE": "Still Drink Cans",
    "TEA SWEETENED": "Sweet Iced Tea",
    "SGL SV/VEND MACH SNACKS CHIP/P": "Snack-size Chips",
    "MEXICAN SAUCESSALSAPICANTEE": "Salsa",
    "ORIENTAL OTHER SAUCES MARINAD": "Asian Sauce",
    "ORIENTAL VEGETABLES": "Asian Vegetables",
    "ORIENTAL FOODS AND MEALS": "Asian Meal Kit",
    "FRZN SS PREMIUM ENTREES/DNRS/N": "Premium Frozen Dinner",
    "FRZN SS PREMIUM ENTREES/DNRS/T": "Premium Frozen Entrée",
    "SS ECONOMY ENTREES/DINNERS ALL": "Everyday Frozen Dinner",
    "FRZN MULTI SERVE ENTREES ALL": "Family-size Frozen Entrée",
    "FRZN BREADED PREPARED CHICK": "Breaded Chicken",
    "MAINSTREAM WHEAT/MULTIGRAIN BR": "Wholegrain Bread",
    "MAINSTREAM WHITE BREAD": "White Bread",
    "MAIN MEAL BREAD": "Table Bread",
    "NATURAL CHEESE EXACT WT CHUNKS": "Cheese Block",
    "NATURAL CHEESE EXACT WT SLICES": "Sliced Cheese",
    "NATURAL CHEESE RANDOM WT": "Farmhouse Cheese",
    "IWS SINGLE CHEESE": "Cheese Singles",
    "NON-IWS SINGLE CHEESE": "Cheese Slices",
    "RTS SOUP: CHUNKY/HOMESTYLE ET": "Chunky Soup",
    "RAMEN NOODLES/RAMEN CUPS": "Ramen Noodles",
    "PREMIUM COOKIES (EX: PEPPERIDG": "Premium Cookies",
    "TRAY PACK/CHOC CHIP COOKIES": "Chocolate Chip Cookies",
    "VANILLA WAFER/KIDS COOKIES": "Vanilla Wafers",
    "VENDOR SIZE/SINGLE SERVE COOKI": "Snack-size Cookies",
    "CHEESE CRACKERS (CHEEZ-ITS/GOL": "Cheese Crackers",
    "BUTTER SPRAY CRACKER (RITZ/CLU": "Butter Crackers",
    "SOUP CRACKERS (SALTINE/OYSTER)": "Saltine Crackers",
    "VENDING SIZE/SNGL SERVE CRACKE": "Snack-size Crackers",
    "CROUTONS SALAD TOPPERS BREAD": "Croutons",
    "SANDWICHES&HANDHELDS": "Stuffed Sandwiches",
    "SNACKS/APPETIZERS": "Party Bites",
    "PIZZA/PREMIUM": "Premium Pizza",
    "PIZZA/TRADITIONAL": "Pizza",
    "PIZZA/ECONOMY": "Everyday Pizza",
    "PIZZA/SINGLE SERVE/MICROWAVE": "Pizza for One",
    "BEERALEMALT LIQUORS": "Beer",
    "BEERALE -NON ALCOHOLIC": "Alcohol-free Beer",
    "FIGHTING VARIETAL WINES": "Varietal Wine",
    "POPULAR 750ML WINES": "Table Wine",
    "PREMIUM 750ML WINES": "Premium Wine",
    "POPULAR 1.5LT WINES": "Table Wine Magnum",
    "PREMIUM 1.5LT WINES": "Premium Wine Magnum",
    "VALUE GLASS WINE": "Everyday Wine",
    "BEVERAGE WINES": "Wine Cooler",
    "TABLE SALT POPCORN SALTICE C": "Salt",
    "SPICES & SEASONINGS": "Seasoning",
    "TOMATOES: STEWED/DICED/CRMD": "Diced Tomatoes",
    "BEANS GREEN: FS/WHL/CUT": "Green Beans",
    "MUSHROOMS CND & GLASS": "Mushrooms in a Jar",
    "POURABLE SALAD DRESSINGS": "Salad Dressing",
    "SEMI-SOLID SALAD DRESSING MAY": "Mayonnaise",
    "SANDWICH SAUCE HORSERADISH SA": "Sandwich Sauce",
    "HOT MUSTARD/SPECIALTY MUSTAR": "Speciality Mustard",
    "SALAD MUSTARD": "Mustard",
    "CATSUP": "Ketchup",
    "STEAK & WORCHESTER SAUCE": "Steak Sauce",
    "VINEGAR ALL-EXCEPT WINE/RIC": "Vinegar",
    "VINEGAR WINE/RICE": "Wine Vinegar",
    "MISC MEAT SAUCES": "Marinade",
    "KIDS CEREAL": "Kids' Cereal",
    "ALL FAMILY CEREAL": "Family Cereal",
    "ADULT CEREAL": "Wholegrain Cereal",
    "BABY FOOD - BEGINNER": "First Purée",
    "BABY FOOD JUNIOR ALL BRANDS": "Junior Meal",
    "SNACK CAKE - MULTI PACK": "Snack Cakes",
    "SNACK CAKE - SINGLE SERVE": "Snack Cake to Go",
    "SWEET GOODS - FULL SIZE": "Coffee Cake",
    "ASEPTIC PACK JUICE AND DRINKS": "Juice Boxes",
    "DAIRY CASE 100% PURE JUICE - O": "Fresh Orange Juice",
    "DAIRY CASE JUICE DRNK UNDER 10": "Chilled Juice Drink",
    "DAIRY CASE FRUIT DRINKS (NO JU": "Fruit Punch",
    "DAIRY CASE CITRUS PNCH/OJ SUBS": "Citrus Punch",
    "DAIRY CASE 100% PURE JUICE OTH": "Fresh Pressed Juice",
    "BLENDED JUICE&COMBINATIONS (OV": "Juice Blend",
    "BLENDED JUICE&COMBINATIONS (50": "Juice Cocktail",
    "CRANAPPLE CRAN GRAPE JUICE (5": "Cranberry Apple Juice",
    "VEG JUICE (EXCEPT TOMATO) (OVE": "Vegetable Juice",
    "LEMON JUICE & LIME JUICE (OVER": "Lemon Juice",
    "CAN DOGFD GOURMET/SUPER PREM (": "Gourmet Wet Dog Food",
    "CAN DOG FOOD (SKIPPY/PEDIGREE/": "Wet Dog Food",
    "DRY DOG FOOD PREMIUM (ALPO/PUR": "Dry Dog Food",
    "DRY DOG FOOD SUPER PREM (ONE/N": "Premium Dry Dog Food",
    "DRY DOG VALUE (PET PRIDE/KLR/G": "Everyday Dry Dog Food",
    "DOG TREATS (SOFT TREATS)": "Soft Dog Treats",
    "DOG BISCUITS (HARD BISCUIT)": "Dog Biscuits",
    "CAN CATFD GOURMET/SUP PREM (GR": "Gourmet Wet Cat Food",
    "CANNED CAT FOOD (9 LIVES/FRISK": "Wet Cat Food",
    "DRY CAT FOOD (CAT CHOW/FRISKIE": "Dry Cat Food",
    "DRY CAT FOOD SUP PREM (ONE/NUT": "Premium Dry Cat Food",
    "DRY CAT FOOD ECONOMY (COST CUT": "Everyday Dry Cat Food",
    "CANDY BARS (SINGLES)(INCLUDING": "Candy Bar",
    "CANDY BARS (MULTI PACK)": "Candy Bars",
    "CANDY BAGS-CHOCOCLATE": "Chocolates",
    "CANDY BAGS-NON CHOCOLATE": "Sweets",
    "SEASONAL CANDY BAGS-CHOCOLATE": "Seasonal Chocolates",
    "SEASONAL CANDY BAGS NON-CHOCOL": "Seasonal Sweets",
    "SEASONAL CANDY BOX-CHOCOLATE": "Box of Chocolates",
    "SEASONAL CANDY BOX NON-CHOCOLA": "Seasonal Candy Box",
    "MISCELLANEOUS CANDY (INCLUDING": "Assorted Candy",
    "MINTS CANDY & BREATH (NOT LIF": "Mints",
    "NON-CRBNTD DRNKING/MNERAL WATE": "Still Water",
    "NON-CARB FLVRD DRNKNG/MNRL WAT": "Flavoured Water",
    "CARBONATED WATER - FLVRD SWEET": "Sparkling Flavoured Water",
    "CARBONATED WATER - FLVRD UNSWE": "Sparkling Water with a Hint",
    "FRZN BAGGED VEGETABLES - PLAIN": "Frozen Vegetables",
    "FRZN BOXED VEGETABLES- VALUE A": "Vegetables in Sauce",
    "FRZN BAGGED VEGETABLES- VALUE": "Frozen Vegetable Medley",
    "WAFFLES/PANCAKES/FRENCH TOAST": "Waffles",
    "FRZN BREAKFAST ENTREES/SANDWIC": "Breakfast Sandwiches",
    "FRZN GARLIC BREAD/TOAST/STICKS": "Garlic Bread",
    "STICKS/ENROBED": "Ice Cream Bars",
    "CUPS/PUSH UPS/OTHER": "Ice Cream Cups",
    "VARIETY BEANS - KIDNEY PINTO": "Kidney Beans",
    "PREPARED BEANS - BAKED W/PORK": "Baked Beans",
    "MACARONI & CHEESE DNRS": "Macaroni & Cheese",
    "FRUIT BOWL AND CUPS": "Fruit Cups",
    "PRESERVES JAM MARMALADE": "Jam",
    "REFRIGERATED BISCUITS REGULAR": "Ready-to-bake Biscuits",
    "REFRIGERATED SPECILATY ROLLS": "Ready-to-bake Rolls",
    "REFRIGERATED COOKIES-BREAK N B": "Ready-to-bake Cookies",
    "REFRIGERATED COOKIES-CHUB": "Cookie Dough",
    "VAC PAC NUTS(CANS)": "Roasted Nuts",
    "SNACK NUT(BAG)": "Snack Nuts",
    "CANISTER POTATO/TORT CHIPS": "Stacked Chips",
    "FEM. HYGN.NAPKINS": "Pads",
    "FEM. HYGN. TAMPONS": "Tampons",
    "SOLID/STK DEODORANTS": "Deodorant Stick",
    "ANTIPERSPIRANTS ONLY (ALL OTHE": "Antiperspirant",
    "N/A DEOD SPRAY/GEL DEOD": "Deodorant Gel",
    "COUGH SYRP/LOZNG-DRP/XPCTRNT": "Cough Drops",
    "AUTO DISH DETERGENT - MONODOSE": "Dishwasher Tabs",
    "GARBAGE KITCHEN COMPACTOR BA": "Kitchen Bags",
    "AIR CARE - CONTINUOUS ACTION": "Room Fragrance",
    "PLSTC CTLRYTBLCLTHSTTHPKSST": "Party Cutlery",
    "CHIX:FRD 8PC/CUT UP (HOT)": "Fried Chicken",
    "CHIX: ROTISSERIE (HOT)": "Rotisserie Chicken",
    "SW GDS: SW ROLLS/DAN": "Sweet Rolls",
    "SW GDS:SW ROLLS/DAN-LESS THN 6": "Danish",
    "SW GDS: PUFF PASTRY": "Puff Pastry",
    "CARDS EVERYDAY": "Greeting Card",
    "CARDS SEASONAL": "Seasonal Card",
    "GIFT-WRAP EVERYDAY": "Gift Wrap",
    "GIFT-WRAP SEASONAL": "Seasonal Gift Wrap",
    "PARTY EVERYDAY": "Party Set",
    "PARTY SEASONAL": "Seasonal Party Set",
    "SPECIAL EVERYDAY": "Party Favours",
    "CHILDRENS LOW END": "Children's Book",
    "PAPERBACK BOOKS": "Paperback",
    "HARDBACK/TRADE EVERYDAY": "Hardback",
    "HARDBACK/TRADE BEST SELLER": "Hardback Bestseller",
    "PAPERBACK BEST SELLER": "Paperback Bestseller",
    "ENHANCED": "Pork Loin",
    "PRIMAL": "Beef Roast",
    "LEAN": "Lean Ground Beef",
    "CHOICE BEEF": "Choice Beef Cut",
    "PATTIES": "Burger Patties",
    "SEAFOOD-FRZ-IQF RAW SHRIMP RW": "Raw Shrimp",
    "SEAFOOD-FRZ-IQF COOKED SHRIMP": "Cooked Shrimp",
    "SEAFOOD-FRZ-RAW FILLETS": "Fish Fillets",
    "SEAFOOD-FRE-RAW FINFISH-OTHER": "Fresh Fish Fillet",
    "SEAFOOD-FRE-NON RW-ALL": "Fresh Seafood",
    "FRZN BRD STICK/PORTON": "Fish Sticks",
    "PEG TOYS": "Pocket Toy",
    "STANDARD 10-15 STEMS": "Bouquet, 10–15 Stems",
    "BOUQUET EVERYDAY MUSICAL": "Everyday Bouquet",
    "SBT": "Vase Arrangement",
    "CAKES: BIRTHDAY/CELEBRATION SH": "Celebration Cake",
    "CAKES: CREME/PUDDING": "Cream Cake",
    "PROPHYLACTICS": "Condoms",
    "DVD S": "DVD",
    "SPHE 9.99": "DVD",
    "GRND/PATTY - FROZEN": "Frozen Burgers",
    "BREAST - BONELESS(IQF)": "Chicken Breasts",
    "WINGS (IQF)": "Chicken Wings",
    "ORANGES NAVELS ALL": "Navel Oranges",
    "ORANGES NON NAVEL ALL": "Valencia Oranges",
    "APPLES RED DELICIOUS (BULK&BAG": "Red Delicious Apples",
    "APPLES GOLD DELICIOUS (BULK&BA": "Golden Delicious Apples",
    "SALAD BAR FRESH FRUIT": "Fresh Fruit Bowl",
    "INSTORE CUT FRUIT": "Fresh Cut Fruit",
    "INSTORE CUT VEGETABLES": "Fresh Cut Vegetables",
    "REGULAR GARDEN": "Garden Salad",
    "GARDEN PLUS": "Garden Salad Plus",
    "BLENDS": "Salad Blend",
    "KITS": "Salad Kit",
    "EGGS - X-LARGE": "Extra-large Eggs",
    "EGGS SUBSTITUTE": "Egg Substitute",
    "VEGETABLES ALL OTHER": "Garden Vegetables",
    "TROPICAL FRUIT - OTHER": "Tropical Fruit",
    "SUPER PREMIUM PINTS": "Super Premium Ice Cream",
    "PREMIUM PINTS": "Premium Ice Cream Pint",
    "VITAMIN - NON HERBAL SUPPLEMEN": "Dietary Supplement",
    "VITAMIN - HERBAL SUPPLEMENTS": "Herbal Supplement",
    "VITAMIN - MULTIPLE COMBIN": "Multivitamin",
    "VITAMIN - CHILDREN": "Children's Vitamins",
    "VITAMIN - INDIVIDUAL": "Single Vitamin",
    "VITAMIN - MINERALS": "Minerals",
    "STUFFED/MIXED PORK": "Stuffed Pork",
    "BAGS/TAGS/TISSUE/BOXES": "Christmas Gift Bags",
    "BREAD:PITA/POCKET BREADS": "Pita Bread",
    "BANDAGE/TAPE": "Plasters",
    "PIES: FRUIT/NUT": "Fruit Pie",
    "SV BEV: COFFEE DINE IN": "Coffee",
    "SV BEV: COFFEE TAKE OUT": "Coffee to Go",
}

_WORDS = {
    "FRZN": "Frozen", "FRZ": "Frozen", "FRE": "Fresh", "FRSH": "Fresh", "PKGD": "Packed", "PREPCK": "", "BRD": "Breaded",
    "MISC": "Assorted", "MISC.": "Assorted", "MISCELLANEOUS": "Assorted", "DNRS": "Dinners", "W": "with", "N": "&",
    "CHOCOCLATE": "Chocolate", "CHOC": "Chocolate", "SPECILATY": "Speciality", "SPECIALTY": "Speciality", "GDS": "Goods",
    "SW": "Sweet", "SWT": "Sweet", "FLVRD": "Flavoured", "FLVR": "Flavoured", "FLAVORED": "Flavoured", "COLOR": "Colour",
    "DECAFFINATED": "Decaf", "REFRIGERATED": "Chilled", "REFRIG": "Chilled", "REFIGERATED": "Chilled", "VEG": "Vegetable",
    "PREPACK": "", "PREPORTND": "Portions", "PPK": "Pack", "PRSLC": "Sliced", "PRESLC": "Sliced", "PRESLCD": "Sliced",
    "BULK": "", "SAUS": "Sausage", "LNCHMT": "Lunchmeat", "CND": "Canned", "WHL": "Whole", "SNGL": "Single", "SRV": "Serve",
    "SS": "Single", "SV": "", "BEV": "", "JHOOK": "Handy", "ALL": "", "OTHER": "Assorted", "ACCESS.": "Accessories",
    "ACC": "Accessories", "HYGN.": "", "FEM.": "", "RW": "", "IQF": "", "NON-RW": "", "DECORS": "Decorations",
    "PWDR": "Powder", "PWDRS": "Powders", "BTL": "Bottle", "CARB": "Sparkling", "NZ": "New Zealand", "TV": "TV", "DVD": "DVD",
    "SPF": "SPF", "BBQ": "BBQ", "CD": "CD", "NFL": "Football", "FM": "Fan", "MLB": "Baseball", "XMAS": "Christmas",
    "DESERTS": "Desserts", "LOREAL": "L'Oréal", "WOMENS": "Women's", "MENS": "Men's", "CHILDRENS": "Children's",
    "LADIES": "Ladies'", "ORIENTAL": "Asian", "CHIX": "Chicken", "PREP": "Prepared", "FD": "Food", "SAL": "Salad",
    "DPS": "Dips", "PRPCK": "", "ONLY": "", "EXCEPT": "", "RTD": "Ready-to-drink", "VITAMIN": "Vitamin", "PKG": "",
    "DIPILATORIES": "Hair Removal", "RECHARABLE": "Rechargeable", "HYDROCORTIZONE": "Hydrocortisone Cream",
    "HAND/BODY/FACIAL": "Skin", "LINAMENTS": "Liniment", "PROTIEN": "Protein", "SUP": "Super", "PREM": "Premium",
    "SUBS": "Substitute", "JCE": "Juice", "CONC": "Concentrate", "OJ": "Orange Juice", "RST": "Roast", "PRODUC": "Products",
    "NATRL": "Natural", "DL": "", "SPEC": "", "COFF": "Coffee", "CNTRL": "Control", "LIQS": "Drinks", "LIQ": "Liquid",
    "NUT SUPP": "Supplement", "SUPPLEMEN": "Supplement", "BRDS": "Boards", "PC": "Pieces", "MAGAZINE": "Magazine",
}  # fmt: skip

_SMALL = frozenset({"and", "with", "in", "of", "the", "for", "or", "to", "on"})

# Types that say nothing without their category: "Premium" is "Premium Ice Cream".
_VAGUE = frozenset(
    "Premium Traditional Economy Value Mainstream Regular Standard Seasonal Assorted Variety Select Plain Basic Fresh "
    "Red White Lean Natural Special Specials Cups Cans Dry Microwave Oven Kits Blends Kids Promo Promotional Special "
    "Decor Pails Quarts Sticks Misc Better Unit Smoked Cooked Frozen Seasoned Marinated Marinades Dried Ribs Ham Poultry "
    "Boxed Beginner Continuity Individual Pantry Outdoor Activity Bargain Games Fasteners Links Rolls Patties Cubed "
    "Specialty Speciality Ground Beef Pork Singles Other Products Loave Butts Enhanced Angus Kabobs Flank Multipacks "
    "Flats Cones Wrap Gourmet Novelties Super".split()
)
_NOUNS = {
    "Ice Cream": "Ice Cream", "Ice Cream Bars": "Ice Cream", "Pasta Sauce": "Pasta Sauce", "Beef": "Beef", "Pork": "Pork",
    "Bacon": "Bacon", "Sausages": "Sausages", "Cold Cuts": "Lunchmeat", "Salads & Herbs": "Salad", "Soup": "Soup",
    "Poultry": "Poultry", "Candy & Chocolate": "Candy", "Sweet Treats": "Treats", "Cookies": "Cookies", "Christmas": "Decoration",
    "Canned Meals": "Canned Meal", "Dinner Mixes": "Dinner Mix", "Storage": "Storage", "Books": "Book", "Film & Music": "Film",
    "Toys & Games": "Toy", "Cards & Gift Wrap": "Party Supplies", "Frozen Meat": "Frozen Meat", "Halloween": "Decoration",
    "Easter": "Decoration", "Valentine's Day": "Gift", "Party Platters": "Platter", "Desserts": "Dessert", "Make-up": "Make-up",
}  # fmt: skip

_UNITS = {
    "OZ": "oz", "OZS": "oz", "Z": "oz", "LB": "lb", "LBS": "lb", "CT": "ct", "ML": "ml", "L": "l", "LT": "l", "QT": "qt", "PT": "pt",
    "GAL": "gal", "GA": "gal", "PK": "pack", "PCK": "pack", "IN": "in", "FT": "ft", "YD": "yd", "PC": "pieces",
    "LOADS": "loads", "LOAD": "loads", "LD": "loads", "LDS": "loads", "STEM": "stems", "DZ": "dozen", "DOZ": "dozen",
    "G": "g", "GM": "g", "CM": "cm", "MM": "mm", "ROLL": "rolls", "MG": "mg", "SHEETS": "sheets",
}  # fmt: skip
_SIZE = re.compile(r"^\s*(\d*\.?\d+|\d+/\d+)\s*([A-Z]+)\*?\s*$")
_PACK = re.compile(r"^\s*(\d+)\s*PK\s*/\s*(\d*\.?\d+)\s*OZ\s*$")
_CRATES = {"LB": 10, "CT": 12}
_SIZE_WORDS = {"LARGE": "large", "MED": "medium", "MEDIUM": "medium", "SMALL": "small", "MINI": "mini", "KING": "king size"}


@lru_cache(maxsize=4096)
def size_text(package_size: str | None, *, loose: bool = False) -> str:
    """`32 OZ` as `32 oz`, `12 PK/12 OZ` as `12 × 12 oz`; empty when the data say nothing a customer can use.

    `loose`: sold by the piece, where the data's size is the crate ("40 LB" of bananas), not what one buys.
    """
    if not package_size:
        return ""
    if pack := _PACK.match(package_size):
        return f"{pack[1]} × {_number(pack[2])} oz"
    if size := _SIZE.match(package_size):
        unit = _UNITS.get(size[2])
        if loose and "/" not in size[1] and float(size[1]) > _CRATES.get(size[2], 100):
            return ""
        return f"{_number(size[1])} {unit}" if unit else ""
    return _SIZE_WORDS.get(package_size.strip(), "")


def _number(text: str) -> str:
    if "/" in text:
        return text
    return f"{float(text):g}"


@lru_cache(maxsize=8192)
def type_text(raw_type: str | None, category: str) -> str:
    """A product type as a customer would say it; with its category's noun where it says nothing alone."""
    if not raw_type:
        return _noun(category)
    raw = raw_type.strip()
    if raw in _WHOLE:
        return _WHOLE[raw]
    text = re.sub(r"\(.*$", "", raw).strip(" -&/:")  # what follows a bracket explains the bracket's own book-keeping
    if text.endswith("-MAGAZINE"):
        return f"{_cased(text.removesuffix('-MAGAZINE'))} Magazine"
    if len(raw) >= 30 and text == raw and " " in text:
        text = text.rpartition(" ")[0]  # the data cut types at 30 letters: the last word is a torn one
    head, separator, tail = text.partition(":")
    if separator and tail.strip():
        text = f"{tail} {head}" if head.strip() in _INVERTED else tail
    first, _, rest = text.partition(" ")
    if first in _NOUN_FIRST and rest:
        text = f"{rest} {first}"
    words = _cased(text)
    if not words:
        return _noun(category)
    if words in _VAGUE or all(word in _VAGUE for word in words.split()):
        noun = _noun(category)
        return noun if words in noun or words == "Assorted" else f"{words} {noun}"
    return words


_INVERTED = frozenset(
    "PASTA CHILI HASH CAKES COOKIES PIES BREAD ROLLS CHEESE MARGARINE EGGS CANDY CHIX CEREAL FLOUR POTATOES TOMATOES SHOES".split()
)


# "PEPPERS GREEN BELL": the noun first, as in a register.
_NOUN_FIRST = frozenset(
    "APPLES CARROTS CITRUS CORN EGGS GRAPES HAMS HERBS LETTUCE MACARONI MELONS MUSHROOMS NOODLES ONIONS ORANGES PEARS "
    "PEPPERS POTATOES RICE SALAD SPAGHETTI SQUASH SUNGLASSES TOMATOES VITAMIN".split()
)


def _noun(category: str) -> str:
    return _NOUNS.get(category, category.replace("&", "and") if category.count(" ") > 2 else category)


def _cased(text: str) -> str:
    text = text.replace("WOMEN S", "WOMENS").replace("CHILDREN S", "CHILDRENS")
    parts = re.split(r"\s+|(?<=\w)-(?=\w)|\s*[/]\s*|\s*[-–]\s+|(?=&)|(?<=&)|,", text)
    words: list[str] = []
    for part in parts:
        if not part or part == "-":
            continue
        word = _WORDS.get(part)
        if word is None:
            word = part.lower() if part.lower() in _SMALL and words else part.capitalize()
        if word and (not words or word != words[-1]):
            words.append(word)
    while words and words[-1] in ("&", "and", "with", "Ex", "of", "in"):
        words.pop()
    return " ".join(words).strip()


_STEMS = (
    "Alder Amber Apple Ash Barley Bay Beech Birch Bram Briar Brook Cedar Clover Copper Corn Cran Dapple Elder Elm Fair "
    "Fern Field Finch Fox Glen Gold Green Harbour Hart Haw Hazel Heather Hill Holly Honey Ivy Juniper Kings Lark Laurel "
    "Linden Loch Maple Marl Mead Mill Moss North Oak Old Olive Orchard Otter Pear Pine Plum Quill Red River Rose Rowan "
    "Rush Sage Silver Sparrow Spring Stone Summer Swan Thorn Tidy Vine West Wheat White Wild Willow Winter Wren Yar"
).split()
_TAILS = (
    "brook field wood mill ford gate ridge stone vale well ton ley worth bury combe dale mere croft moor thorpe by ham"
).split()
_FIRMS = ("", " & Co.", " & Sons", " Bros.", " House")
_HOUSE_BRANDS = ("Thistle & Oat", "Plain Pantry", "Hearth Row", "Market Hall", "Blue Door")


def brand_name(manufacturer: int, private: bool) -> str:
    """A made-up brand per manufacturer number: the same number, the same brand; private labels are the shop's own."""
    if private:
        return _HOUSE_BRANDS[0] if manufacturer == 69 else _HOUSE_BRANDS[1 + manufacturer % (len(_HOUSE_BRANDS) - 1)]
    pairs = len(_STEMS) * len(_TAILS)
    spread = manufacturer * 1_049 % pairs  # 1,049 shares no factor with the number of pairs: neighbours look unrelated
    stem, tail = _STEMS[spread // len(_TAILS)], _TAILS[spread % len(_TAILS)]
    joined = stem + (tail[1:] if stem[-1] == tail[0] else tail)
    return joined + _FIRMS[manufacturer // pairs % len(_FIRMS)]
