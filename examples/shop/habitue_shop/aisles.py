"""Where each raw category of the Complete Journey data stands in the shop, and how it is drawn.

The data speak a supermarket's back office ("FRZN NOVELTIES/WTR ICE"); a shop speaks to its customers.
What is not listed here is not sold: coupons, fuel, gift cards, tickets, phone cards, photo processing,
deposits, supplies for the store itself, and tobacco.
"""

from __future__ import annotations

from dataclasses import dataclass

# `DEPARTMENT` opens a department of the shop; below it `RAW CATEGORY > label > drawing`. A raw category
# that means another thing in another raw department is written `RAW DEPARTMENT: RAW CATEGORY`.
_PLAN = """
= Fruit & Vegetables
APPLES > Apples & Pears > apple
PEARS > Apples & Pears > pear
CITRUS > Citrus > citrus
BERRIES > Berries & Grapes > berries
GRAPES > Berries & Grapes > grapes
TROPICAL FRUIT > Bananas & Tropical > banana
MELONS > Melons & Stone Fruit > melon
STONE FRUIT > Melons & Stone Fruit > peach
VALUE ADDED FRUIT > Ready to Eat > bowl
VALUE ADDED VEGETABLES > Ready to Eat > bowl
SALAD BAR: SALAD BAR > Ready to Eat > bowl
PRODUCE: SALAD BAR > Ready to Eat > bowl
SALAD MIX > Salads & Herbs > leaf
VEGETABLES SALAD > Salads & Herbs > lettuce
HERBS > Salads & Herbs > leaf
TOMATOES > Tomatoes & Peppers > tomato
PEPPERS-ALL > Tomatoes & Peppers > pepper
POTATOES > Potatoes & Onions > potato
ONIONS > Potatoes & Onions > onion
CARROTS > Roots & Greens > carrot
BROCCOLI/CAULIFLOWER > Roots & Greens > broccoli
VEGETABLES - ALL OTHERS > Roots & Greens > lettuce
SQUASH > Roots & Greens > pumpkin
CORN > Roots & Greens > corn
MUSHROOMS > Mushrooms > mushroom
SEASONAL > In Season > pumpkin
PRODUCE: ORGANICS FRUIT & VEGETABLES > Organic > lettuce
PRODUCE: NUTS > Nuts & Dried Fruit > nuts
PRODUCE: DRIED FRUIT > Nuts & Dried Fruit > bag
PRODUCE: POPCORN > Nuts & Dried Fruit > popcorn
PRODUCE: PROCESSED > Dressings & Dips > tub
= Bakery
PASTRY: BREAD > Fresh Bread > loaf
BAKED BREAD/BUNS/ROLLS > Sliced Bread & Buns > loaf
ROLLS > Rolls & Bagels > roll
CAKES > Cakes > cake
PIES > Pies > pie
PASTRY: COOKIES > Bakery Cookies > cookie
BREAKFAST SWEETS > Donuts & Muffins > donut
SWEET GOODS & SNACKS > Sweet Treats > muffin
BAKED SWEET GOODS > Sweet Treats > muffin
BAKERY PARTY TRAYS > Party Trays > cake
REFRGRATD DOUGH PRODUCTS > Bake at Home > can_dough
= Dairy & Eggs
FLUID MILK PRODUCTS > Milk & Cream > carton
MILK BY-PRODUCTS > Sour Cream & Cottage Cheese > tub
CHEESE > Cheese > cheese
YOGURT > Yogurt > pot
EGGS > Eggs > eggs
BUTTER > Butter & Margarine > butter
MARGARINES > Butter & Margarine > tub
REFRGRATD JUICES/DRNKS > Chilled Juice > juice
MISC. DAIRY > Chilled Desserts & Pasta > pot
= Meat & Fish
BEEF > Beef > steak
PORK > Pork > chop
CHICKEN > Poultry > drumstick
TURKEY > Poultry > drumstick
SMOKED MEATS > Ham & Smoked Meats > ham
LAMB > Lamb & Veal > chop
VEAL > Lamb & Veal > chop
EXOTIC GAME/FOWL > Lamb & Veal > drumstick
RW FRESH PROCESSED MEAT > Sausages > sausage
LUNCHMEAT > Cold Cuts > ham
BACON > Bacon > bacon
HOT DOGS > Sausages > sausage
DINNER SAUSAGE > Sausages > sausage
BREAKFAST SAUSAGE/SANDWICHES > Sausages > sausage
HEAT/SERVE > Heat & Serve > tray
MEAT-PCKGD: FROZEN MEAT > Frozen Meat > tray
MEAT-PCKGD: MEAT - MISC > Frozen Meat > drumstick
MEAT-PCKGD: MISCELLANEOUS > Pickles & Sides > jar
SEAFOOD-FRESH > Fresh Fish > fish
SEAFOOD - FROZEN > Frozen Fish > fish
FROZEN - BOXED(GROCERY) > Frozen Fish > fishbox
SEAFOOD - MISC > Fish Sauces & Breading > bottle
= Deli & Ready to Eat
CHEESES > Deli Cheese > cheese
DELI MEATS > Deli Meats > ham
SALADS/DIPS > Salads & Dips > tub
CHICKEN/POULTRY > Hot Chicken > drumstick
PREPARED FOOD > Prepared Meals > tray
DELI: SNACKS > Deli Snacks > bag
SUSHI > Sushi > sushi
SANDWICHES > Sandwiches > sandwich
DELI SPECIALTIES (RETAIL PK) > Specialities > jar
PARTY TRAYS > Party Platters > tray
SERVICE BEVERAGE > Coffee Bar > cup
COFFEE SHOP > Coffee Bar > cup
COFFEE SHOP SWEET GOODS&RETAIL > Coffee Bar > muffin
QUICK SERVICE > Prepared Meals > pizza
= Pantry
SOUP > Soup > can
HISPANIC > World Foods > jar
DRY NOODLES/PASTA > Pasta & Noodles > pasta
PASTA SAUCE > Pasta Sauce > jar
DINNER MXS:DRY > Dinner Mixes > box
DRY BN/VEG/POTATO/RICE > Rice, Beans & Potatoes > bag_flat
BEANS - CANNED GLASS & MW > Canned Beans > can
VEGETABLES - SHELF STABLE > Canned Vegetables > can
FRUIT - SHELF STABLE > Canned Fruit > can
MEAT - SHELF STABLE > Canned Meals > can
SEAFOOD - SHELF STABLE > Canned Fish > can_flat
CONDIMENTS/SAUCES > Condiments > squeeze
SALD DRSNG/SNDWCH SPRD > Dressings & Mayonnaise > squeeze
PICKLE/RELISH/PKLD VEG > Pickles & Olives > jar
OLIVES > Pickles & Olives > jar
PNT BTR/JELLY/JAMS > Jams & Spreads > jar
SPICES & EXTRACTS > Herbs & Spices > shaker
SHORTENING/OIL > Oils & Vinegar > oil
DRY SAUCES/GRAVY > Gravy & Sauce Mixes > sachet
BAKING NEEDS > Baking > bag_flat
BAKING MIXES > Baking Mixes > box
FLOUR & MEALS > Flour & Sugar > bag_flat
SUGARS/SWEETNERS > Flour & Sugar > bag_flat
DRY MIX DESSERTS > Desserts > box
CANNED MILK > Baking > can
SYRUPS/TOPPINGS > Syrups & Toppings > squeeze
MOLASSES/SYRUP/PANCAKE MIXS > Syrups & Toppings > oil
COLD CEREAL > Cereal > cereal
HOT CEREAL > Cereal > cereal
CONVENIENT BRKFST/WHLSM SNACKS > Breakfast & Granola Bars > barbox
RESTRICTED DIET > Special Diets > box
= Snacks & Sweets
BAG SNACKS > Chips & Pretzels > bag
WAREHOUSE SNACKS > Savoury Snacks > tube_can
CRACKERS/MISC BKD FD > Crackers > box
COOKIES/CONES > Cookies > cookie
SNACK NUTS > Nuts > nuts
CANDY - PACKAGED > Candy & Chocolate > candy
POSTAL CENTER: CANDY - PACKAGED > Candy & Chocolate > candy
CANDY - CHECKLANE > Bars & Gum > chocolate
= Frozen
FRZN MEAT/MEAT DINNERS > Frozen Dinners > tray
FROZEN PIZZA > Pizza & Snacks > pizza
ICE CREAM/MILK/SHERBTS > Ice Cream > icecream
FRZN NOVELTIES/WTR ICE > Ice Cream Bars > popsicle
FRZN VEGETABLE/VEG DSH > Frozen Vegetables > bag_peas
FRZN POTATOES > Frozen Potatoes > bag_peas
FRZN BREAKFAST FOODS > Frozen Breakfast > waffle
FROZEN PIE/DESSERTS > Frozen Desserts > pie
FROZEN BREAD/DOUGH > Frozen Bread > loaf
FRZN JCE CONC/DRNKS > Frozen Juice > can
FRZN FRUITS > Frozen Fruit > bag_peas
FRZN ICE > Ice > bag_peas
FROZEN CHICKEN > Frozen Dinners > drumstick
FRZN SEAFOOD > Frozen Dinners > fish
= Drinks
SOFT DRINKS > Soft Drinks > soda
CANNED JUICES > Juice > juice
WATER - CARBONATED/FLVRD DRINK > Water > water
ISOTONIC DRINKS > Sports & Energy > water
NEW AGE > Sports & Energy > soda
COFFEE > Coffee > coffee
TEAS > Tea > tea
COCOA MIXES > Hot Chocolate > tin
PWDR/CRYSTL DRNK MX > Drink Mixes > sachet
= Wine, Beer & Spirits
DOMESTIC WINE > Wine > wine
IMPORTED WINE > Imported Wine > wine
MISC WINE > Sparkling & Dessert > wine
BEERS/ALES > Beer > beer
LIQUOR > Spirits > spirit
= Natural & Wellbeing
NUTRITION: REFRIGERATED > Chilled > carton
NUTRITION: FROZEN > Frozen > tray
FITNESS&DIET > Sports Nutrition > barbox
SNKS/CKYS/CRKR/CNDY > Snacks > chocolate
PREPARED/PKGD FOODS > Larder > box
CEREAL/BREAKFAST > Cereal > cereal
CHIPS&SNACKS > Chips > bag
NUTRITION: DRIED FRUIT > Dried Fruit > bag_flat
NUTRITION: SOUP > Soup > can
NUTRITION: CONDIMENTS > Condiments > jar
NUTRITION: JUICE > Juice > juice
NON-DAIRY BEVERAGES > Plant Milk > carton
NUTRITION: BAKING > Baking > bag_flat
NUTRITION: WATER > Water > water
DRY TEA/COFFEE/COCO MIX > Tea & Coffee > tea
RICE CAKES > Rice Cakes > cookie
NUTRITION: BEVERAGE > Drinks > soda
BABYFOOD > Organic Baby Food > jar
PACKAGED NATURAL SNACKS > Snacks > nuts
NON EDIBLE PRODUCTS > Green Household > spray
NATURAL VITAMINS > Supplements > pills
NUTRITION: BREAD > Bread > loaf
BULK FOODS > Larder > bag_flat
NDAIRY/TEAS/JUICE/SOD > Drinks > soda
NUTRITION: ORGANICS FRUIT & VEGETABLES > Larder > lettuce
= Household
HOUSEHOLD CLEANG NEEDS > Cleaning > spray
LAUNDRY DETERGENTS > Laundry > jug
LAUNDRY ADDITIVES > Laundry > jug
BLEACH > Laundry > jug
DISHWASH DETERGENTS > Dishwashing > squeeze
AIR CARE > Air Fresheners > candle
BATH TISSUES > Paper > paper_roll
PAPER TOWELS > Paper > paper_roll
FACIAL TISS/DNR NAPKIN > Paper > tissues
PAPER HOUSEWARES > Plates & Cups > plates
DISPOSIBLE FOILWARE > Foil & Wraps > foil
FD WRAPS/BAGS/TRSH BG > Foil & Wraps > foil
BROOMS AND MOPS > Brooms & Brushes > broom
INSECTICIDES > Pest Control > spray
IRONING AND CHEMICALS > Ironing & Care > spray
SHOE CARE > Ironing & Care > tin
COFFEE FILTERS > Filters & Flasks > box
BATTERIES > Batteries & Light > battery
ELECTRICAL SUPPPLIES > Batteries & Light > bulb
HARDWARE SUPPLIES > Hardware > tool
AUTOMOTIVE PRODUCTS > Car Care > jug
CHARCOAL AND LIGHTER FLUID > Grill & Fire > bag_flat
PROPANE > Grill & Fire > tin
CANDLES/ACCESSORIES > Candles > candle
= Beauty & Care
MAKEUP AND TREATMENT > Make-up > lipstick
COSMETIC ACCESSORIES > Make-up > lipstick
FRAGRANCES > Fragrance > perfume
BATH > Bath > pump
HAIR CARE PRODUCTS > Hair Care > pump
HAIR CARE ACCESSORIES > Hair Accessories > comb
ETHNIC PERSONAL CARE > Hair Care > pump
ORAL HYGIENE PRODUCTS > Oral Care > toothpaste
HAND/BODY/FACIAL PRODUCTS > Skin Care > cream
DEODORANTS > Deodorants > stick
SOAP - LIQUID & BAR > Soap & Body Wash > soap
SHAVING CARE PRODUCTS > Shaving > razor
SUNTAN > Sun Care > tube
PERSONAL CARE APPLIANCES > Appliances > dryer
FEMININE HYGIENE > Feminine Care > softbox
HOSIERY/SOCKS > Socks & Hosiery > sock
= Health
VITAMINS > Vitamins > pills
ANALGESICS > Pain Relief > pills
COLD AND FLU > Cold & Flu > medicine
SINUS AND ALLERGY > Allergy > medicine
ANTACIDS > Digestion > pills
LAXATIVES > Digestion > medicine
FIRST AID PRODUCTS > First Aid > plaster
EYE AND EAR CARE PRODUCTS > Eye & Ear Care > dropper
FOOT CARE PRODUCTS > Foot Care > tube
DIETARY AID PRODUCTS > Diet & Nutrition > barbox
GLASSES/VISION AIDS > Glasses > glasses
FAMILY PLANNING > Family Planning > softbox
ADULT INCONTINENCE > Personal Protection > softbox
SMOKING CESSATIONS > Stop Smoking > softbox
NATURAL HBC > Natural Remedies > dropper
HOME HEALTH CARE > First Aid > plaster
MISCELLANEOUS HBC > First Aid > plaster
= Baby & Kids
BABY FOODS > Baby Food > jar
INFANT FORMULA > Formula > tin
DIAPERS & DISPOSABLES > Diapers > diaper
BABY HBC > Baby Care > pump
INFANT CARE PRODUCTS > Feeding & Care > baby_bottle
TOYS AND GAMES > Toys & Games > toy
TOYS > Toys & Games > toy
= Pets
DOG FOODS > Dog Food > pet_bag
CAT FOOD > Cat Food > can_flat
PET CARE SUPPLIES > Pet Supplies > bone
CAT LITTER > Cat Litter > pet_bag
BIRD SEED > Bird Seed > pet_bag
= Flowers & Garden
FLORAL-FRESH CUT > Bouquets > bouquet
BOUQUET (NON ROSE) > Bouquets > bouquet
ROSES > Roses > rose
FLORAL-FLOWERING PLANTS > Flowering Plants > plant_flower
EASTER LILY > Flowering Plants > plant_flower
FLORAL-FOLIAGE PLANTS > Green Plants > plant
FLORAL BALLOONS > Balloons > balloon
FLORAL- HARD GOODS > Vases & Decor > vase
FLORAL-ACCESSORIES > Vases & Decor > vase
GIFT & FRUIT BASKETS > Gift Baskets > gift
GARDEN CENTER > Garden > plant_flower
LAWN AND GARDEN SHOP > Garden > tool
= Home & Seasonal
KITCHEN GADGETS > Kitchen Tools > whisk
COOKWARE & BAKEWARE > Cookware > pan
PLASTIC HOUSEWARES > Storage > storage
GLASSWARE & DINNERWARE > Tableware > plates
DOMESTIC GOODS > Home Textiles > towel
HOME FREEZING & CANNING SUPPLY > Preserving > jar
HOME FURNISHINGS > Home Textiles > towel
PORTABLE ELECTRIC APPLIANCES > Small Appliances > pan
CHRISTMAS  SEASONAL > Christmas > tree
HALLOWEEN > Halloween > pumpkin
EASTER > Easter > egg
VALENTINE > Valentine's Day > heart
SPRING/SUMMER SEASONAL > Summer > sun
FALL AND WINTER SEASONAL > Autumn & Winter > towel
FIREWORKS > Party > gift
APPAREL > Clothing > shirt
SPORTS MEMORABLILIA > Fan Shop > shirt
SEWING > Sewing > towel
J-HOOKS > Handy Finds > whisk
DOLLAR VALUE PRODUCTS > Handy Finds > gift
= Books, Cards & Stationery
GREETING CARDS/WRAP/PARTY SPLY > Cards & Gift Wrap > card
STATIONERY & SCHOOL SUPPLIES > Stationery > pencil
MAGAZINE > Magazines > magazine
NEWSPAPER > Newspapers > magazine
BOOKSTORE > Books > book
AUDIO/VIDEO PRODUCTS > Film & Music > disc
FILM AND CAMERA PRODUCTS > Photo > camera
"""

# Words of a product type that say more about its looks than its category does; the first that fits wins.
_LOOKS: tuple[tuple[str, str, str], ...] = (
    # (department or "", words any of which must stand in the raw type, drawing)
    ("Fruit & Vegetables", "BANANA", "banana"),
    ("Fruit & Vegetables", "PINEAPPLE", "pineapple"),
    ("Fruit & Vegetables", "AVOCADO", "avocado"),
    ("Fruit & Vegetables", "MANGO|PAPAYA|PEACH|NECTARINE|PLUM|APRICOT|KIWI", "peach"),
    ("Fruit & Vegetables", "CHERR", "cherry"),
    ("Fruit & Vegetables", "STRAWBERR", "strawberry"),
    ("Fruit & Vegetables", "CARROT", "carrot"),
    ("Fruit & Vegetables", "APPLE", "apple"),
    ("Fruit & Vegetables", "BERR", "berries"),
    ("Fruit & Vegetables", "GRAPEFRUIT|CITRUS|ORANGE|LEMON|LIME", "citrus"),
    ("Fruit & Vegetables", "TOMATO", "tomato"),
    ("Fruit & Vegetables", "CUCUMBER|ZUCCHINI|ASPARAGUS|CELERY", "cucumber"),
    ("Fruit & Vegetables", "GARLIC", "onion"),
    ("Fruit & Vegetables", "JUICE|CIDER", "juice"),
    ("Bakery", "BAGEL|DONUT", "donut"),
    ("Bakery", "CROISSANT", "baguette"),
    ("Bakery", "BUNS|ROLLS", "roll"),
    ("Bakery", "FRENCH|ITALIAN", "baguette"),
    ("Dairy & Eggs", "CREAM CHEESE", "tub"),
    ("Dairy & Eggs", "CREAMER", "squeeze"),
    ("Meat & Fish", "SHRIMP|SHLFSH", "shrimp"),
    ("", "SOFT DRINKS SINGLE CAN|ENERGY DRINK", "soda"),
    ("Drinks", "2 LITER|BTL|BOTTLE|TEA", "bottle_soda"),
    ("", "MUSTARD|CATSUP|BBQ", "squeeze"),
    ("Pantry", "VINEGAR|OIL", "oil"),
    ("Pantry", "PEANUT BUTTER|HONEY", "jar"),
    ("Pantry", "TACO|PASTA|NOODLE|DINNERS", "box"),
    ("Frozen", "SANDWICH", "sandwich"),
    ("Household", "BULB", "bulb"),
    ("Household", "WIPES", "tissues"),
    ("Beauty & Care", "TOOTHBRUSH|BRUSHES", "toothbrush"),
    ("Beauty & Care", "MOUTHWASH", "medicine"),
    ("Beauty & Care", "BODY WASH|LIQUID SOAP", "pump"),
    ("Baby & Kids", "WIPES", "tissues"),
    ("Baby & Kids", "JUICES", "juice"),
    ("Pets", "CANNED CAT|CAN CATFD|CAN DOG", "can_flat"),
    ("Pets", "DRY CAT|DRY DOG", "pet_bag"),
    ("Pets", "TREATS|BISCUITS", "bone"),
    ("Wine, Beer & Spirits", "BOX WINES", "box"),
)


@dataclass(slots=True, frozen=True)
class Place:
    """Where something stands in the shop, and what it looks like."""

    department: str
    category: str
    drawing: str


def _read_plan(plan: str) -> dict[tuple[str, str], Place]:
    places: dict[tuple[str, str], Place] = {}
    department = ""
    for line in plan.strip().splitlines():
        if line.startswith("= "):
            department = line[2:]
            continue
        raw, label, drawing = line.split(" > ")
        raw_department, _, raw_category = raw.rpartition(": ")
        places[raw_department, raw_category] = Place(department, label, drawing)
    return places


_PLACES = _read_plan(_PLAN)
DEPARTMENTS: tuple[str, ...] = tuple(dict.fromkeys(place.department for place in _PLACES.values()))
_NOT_MERCHANDISE = frozenset(
    {
        "AUTOMOTIVE",
        "CHARITABLE CONT",
        "CNTRL/STORE SUP",
        "COUPON",
        "ELECT &PLUMBING",
        "FUEL",
        "GM MERCH EXP",
        "MISCELLANEOUS",
        "PHOTO & VIDEO",
        "PROD-WHS SALES",
    }
)


def place_of(raw_department: str, raw_category: str | None, raw_type: str | None) -> Place | None:
    """The place of one product by its raw words, or None for what the shop does not sell."""
    if raw_category is None or raw_department in _NOT_MERCHANDISE:
        return None
    place = _PLACES.get((raw_department, raw_category)) or _PLACES.get(("", raw_category))
    if place is None or not raw_type:
        return place
    for department, words, drawing in _LOOKS:
        if department in ("", place.department) and any(word in raw_type for word in words.split("|")):
            return Place(place.department, place.category, drawing)
    return place
