# ruff: noqa: E501 - lists of names, one list a line
"""What tells two products apart that the data name alike: flavours, scents, cuts, shades. Made up, always the same."""

from __future__ import annotations

from habitue_shop.aisles import Place

_FRUITY = (
    "Strawberry|Vanilla|Peach|Blueberry|Raspberry|Lemon|Cherry|Mango|Plain|Honey|Coconut|Black Cherry|Pear"
)
_SCENTS = "Fresh Linen|Lavender|Citrus|Rosemary|Sea Breeze|Green Apple|Almond|Aloe|Orange Blossom|Cotton|Eucalyptus|Rose"
_MEALS = (
    "Chicken & Rice|Beef & Mushroom|Garden Vegetable|Turkey & Gravy|Pasta Bolognese|Lasagne|Chicken Curry|Mac & Cheese|"
    "Sesame Chicken|Meatloaf|Teriyaki|Shepherd's|Mushroom Risotto|Fettuccine Alfredo|Chilli|Roast Pork"
)
_SWEETS = "Milk Chocolate|Caramel|Peanut|Dark Chocolate|Mint|Hazelnut|Toffee|Coconut|Almond|Orange|Sour Cherry|Nougat"
_CRUNCHY = "Sea Salt|Sour Cream & Onion|Barbecue|Cheddar|Salt & Vinegar|Jalapeño|Ranch|Sweet Chilli|Lime|Black Pepper"
_SODAS = "Cola|Lemon-Lime|Orange|Root Beer|Ginger|Cherry|Grape|Diet Cola|Grapefruit|Cream|Cola Zero|Pineapple"
_JUICES = "Orange|Apple|Cranberry|Grape|Pineapple|Tropical|Berry|Lemonade|Pomegranate|Mango|Cherry|Pear"
_WINES = (
    "Chardonnay|Merlot|Cabernet Sauvignon|Pinot Grigio|Sauvignon Blanc|Pinot Noir|Riesling|Shiraz|Zinfandel|Rosé|Malbec|"
    "Chenin Blanc|Sangiovese|Syrah"
)
_BEERS = "Lager|Pale Ale|Pilsner|Light|Amber|Wheat|Stout|Porter|IPA|Brown Ale|Dry|Bock"
_BREADS = "Country|Honey Wheat|Twelve Grain|Sourdough|Soft White|Oat|Potato|Whole Wheat|Rye|Buttermilk|Sesame"
_CAKES = "Vanilla|Chocolate|Carrot|Lemon|Red Velvet|Strawberry|Marble|Apple|Coconut|Cinnamon|Blueberry|Pecan"
_SOUPS = "Tomato|Chicken Noodle|Vegetable|Mushroom|Clam Chowder|Minestrone|Beef Barley|Lentil|Potato|French Onion|Split Pea"
_PETS = "Chicken|Salmon|Beef|Turkey|Lamb|Tuna|Ocean Fish|Liver|Duck|Rice & Lamb|Puppy|Senior"
_SHADES = (
    "Rosewood|Ivory|Honey|Coral|Plum|Bare|Mocha|Berry|Sand|Cocoa|Petal|Brick|Pearl|Copper|Nude|Wine|Peach|Ink"
)
_THEMES = "Meadow|Harbour|Starlight|Birthday|Botanical|Folk|Woodland|Blue Bird|Stripes|Confetti|Midnight|Paper Boat|Circus"
_COFFEES = "House Blend|Breakfast|Dark Roast|Colombian|French Roast|Hazelnut|Vanilla|Espresso|Mild|Half Caf|Mocha|Kenyan"
_TEAS = "Earl Grey|Camomile|Peppermint|Green|English Breakfast|Lemon & Ginger|Rooibos|Darjeeling|Jasmine|Chai|Raspberry"
_CHEESES = "Cheddar|Mozzarella|Swiss|Colby|Monterey Jack|Parmesan|Provolone|Pepper Jack|Gouda|Mexican Blend|Feta|Brie"
_FLOWERS = "Spring|Sunset|Blush|Meadow|White|Coral|Lilac|Autumn|Wild|Scarlet|Lemon|Violet"
_PIZZAS = (
    "Margherita|Pepperoni|Four Cheese|Supreme|Sausage|Spinach|Hawaiian|Mushroom|Chicken|Vegetable|Three Meat"
)
_SAUCES = "Original|Garlic|Smoky|Hot|Sweet|Herb|Honey|Mild|Roasted Pepper|Chipotle|Basil|Lemon"
_GRADES = "Original|Classic|Family|Select|Farmhouse|Everyday|Reserve|Garden|Heritage|Village|Kitchen|Signature|Traditional"
_MILKS = "2% Reduced Fat|Skim|1% Low Fat|Whole|Lactose-free|Organic|Farm|Protein-rich"
_EGGS = "Free-range|Cage-free|Brown|Organic|Omega-3|Pasture"
_ORANGE = "No Pulp|Some Pulp|Calcium|Low Acid|Country Style|Extra Pulp|Morning|Grove"
_FRESH = "Family Pack|Sweet|Baby|Snack Pack|Local|Large|Farm|Ripe|Field|Orchard|Bunch of"
_CUTS = "Tender|Family Pack|Thick-cut|Boneless|Slow-aged|Thin-sliced|Seasoned|Butcher's|Farm|Half|Extra Lean|Country"
_RELIEFS = "Extra Strength|Night|Day|Fast|Gentle|Children's|Plus|Daily|Liquid|Chewable|Sensitive|Long-lasting"
_DRAWN = {
    _FRUITY: "pot icecream popsicle carton tub barbox",
    _SCENTS: "pump spray jug soap stick cream candle tissues paper_roll perfume tube",
    _MEALS: "tray sandwich sushi",
    _SWEETS: "candy chocolate cookie",
    _CRUNCHY: "bag tube_can nuts popcorn",
    _SODAS: "soda bottle_soda",
    _JUICES: "juice water sachet",
    _WINES: "wine",
    _BEERS: "beer",
    _BREADS: "loaf roll baguette",
    _CAKES: "cake pie muffin donut waffle",
    _PETS: "pet_bag can_flat bone",
    _SHADES: "lipstick comb sock",
    _THEMES: "card book magazine toy gift disc balloon tree pencil egg heart shirt camera towel plates",
    _COFFEES: "coffee",
    _TEAS: "tea",
    _CHEESES: "cheese",
    _FLOWERS: "bouquet rose plant plant_flower vase",
    _PIZZAS: "pizza",
    _SAUCES: "jar bottle oil shaker squeeze",
}
_BY_DRAWING = {
    drawing: tuple(names.split("|")) for names, drawings in _DRAWN.items() for drawing in drawings.split()
}
_PLAIN = tuple(_GRADES.split("|"))
_SECOND = ("", "Light", "Extra", "Gold", "Duo", "Fine", "Bold", "Pure", "Prime", "Mini")


_BY_KIND = {"Fresh Milk": _MILKS, "Fresh Orange Juice": _ORANGE}
_BY_CATEGORY = {"Eggs": _EGGS, "Soup": _SOUPS, "Ice Cream": _FRUITY, "Dishwashing": _SCENTS}
_BY_DEPARTMENT = {"Fruit & Vegetables": _FRESH, "Meat & Fish": _CUTS, "Health": _RELIEFS}


def _names(place: Place, kind: str) -> tuple[str, ...]:
    """The most particular list there is: the type's, the category's, the department's, the drawing's."""
    for found in (
        _BY_KIND.get(kind),
        _BY_CATEGORY.get(place.category),
        _BY_DEPARTMENT.get(place.department),
    ):
        if found:
            return tuple(found.split("|"))
    if place.drawing == "can":
        return _PLAIN  # a can of beans is no Minestrone
    return _BY_DRAWING.get(place.drawing, _PLAIN)


def variety(place: Place, kind: str, nth: int) -> str:
    """What stands before the name of the `nth` (0: the best seller) of products the data name alike."""
    if nth == 0:
        return ""
    names = _names(place, kind)
    first, again = names[(nth - 1) % len(names)], (nth - 1) // len(names)
    if again == 0:
        return first
    if again < len(_SECOND):
        return f"{first} {_SECOND[again]}"
    return f"{first} No. {again}"
