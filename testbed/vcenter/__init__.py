# SPDX-License-Identifier: Apache-2.0
"""vCenter, as far as it is read: a program that simulates it.

It is made of the simulator of govmomi, a library in Go, and serves vSphere's
API by TLS on loopback. ``simulator`` starts it, with what ``inventory``
describes.
"""
