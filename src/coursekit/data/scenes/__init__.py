"""PetScenes' drawing kit: animals, fur, light, and the scenes they live in."""
