"""What a state dict is: which encoders lie in it, where, and how each is built.

A checkpoint holds tensors and no description. A family is told by names that lie together below
one prefix; depth, widths, stem and image size are read off names and shapes. Whatever no tensor
decides is taken as published programs have it, said, and can be chosen.

`family` says what a family is; `finding` lists them all and finds them in a file. `resnets`,
`clip`, `vision_transformers`, `torchvision_models` and `convolutional` each hold their families
and build them, `hubs` builds what Hugging Face and timm describe. To add a format, write its
`Family` into one of these.
"""
