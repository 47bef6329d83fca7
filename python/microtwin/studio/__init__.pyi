from .project import Project as Project
from .server import serve as serve
