"""Plans that come from elsewhere: handed in, planned or made again here, approved by another person, put in force.

``proposing`` takes them in, ``naming`` finds which one is meant, ``loosened`` finds what a plan makes laxer,
``separation`` says who may not approve it, and ``verdicts`` does what is asked for with it.
"""
