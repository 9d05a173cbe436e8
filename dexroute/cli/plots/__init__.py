"""Pictures as SVG: routes, depth, the graph of pools. Our own small writer, loaded where a picture is asked for."""
